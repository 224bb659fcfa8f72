/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Genode's terminal session: repos/os/include/terminal_session of genodelabs/genode, client.h (revision 81a6c1519b1d),
 * connection.h (5ed5fddb7cb8).
 */
#ifndef DECLARATIONS_TERMINAL_CONNECTION_H
#define DECLARATIONS_TERMINAL_CONNECTION_H

#include <base/env.h>

namespace Terminal {

struct Connection {
    explicit Connection(Genode::Env &env, char const *label = "");

    bool avail();
    Genode::size_t read(void *buffer, Genode::size_t size);             /* what is there; 0 if nothing is */
    Genode::size_t write(void const *buffer, Genode::size_t size);      /* how much was taken */
    void read_avail_sigh(Genode::Signal_context_capability sigh);
};

}

#endif
