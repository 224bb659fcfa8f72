/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Genode's timer session: repos/base/include/timer_session of genodelabs/genode, connection.h (revision 02c8d73426b4),
 * client.h (181c78d48281).
 */
#ifndef DECLARATIONS_TIMER_CONNECTION_H
#define DECLARATIONS_TIMER_CONNECTION_H

#include <base/env.h>

namespace Timer {

struct Connection {
    explicit Connection(Genode::Env &env, char const *label = "");

    Genode::uint64_t elapsed_us() const;                    /* since the session was made */
    void trigger_once(Genode::uint64_t us);
    void sigh(Genode::Signal_context_capability sigh);
};

}

#endif
