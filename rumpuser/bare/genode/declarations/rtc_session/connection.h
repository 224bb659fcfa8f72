/* SPDX-License-Identifier: BSD-2-Clause */
/* Genode's real-time clock: repos/os/include/rtc_session/{rtc_session,connection}.h. */
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
