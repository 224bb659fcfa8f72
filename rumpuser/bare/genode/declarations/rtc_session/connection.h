/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Genode's real-time clock: repos/os/include/rtc_session of genodelabs/genode, rtc_session.h (revision ea2b33015843),
 * connection.h (16be05e5300f).
 */
#ifndef DECLARATIONS_RTC_CONNECTION_H
#define DECLARATIONS_RTC_CONNECTION_H

#include <base/env.h>

namespace Rtc {

struct Timestamp {
    unsigned microsecond, second, minute, hour, day, month, year;
};

struct Connection {
    explicit Connection(Genode::Env &env, char const *label = "");

    Timestamp current_time();
};

}

#endif
