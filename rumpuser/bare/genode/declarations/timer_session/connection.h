/* SPDX-License-Identifier: BSD-2-Clause */
/* Genode's timer session: Genode Foundations 25.05, section 4.5.2; repos/base/include/timer_session/connection.h. */
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
