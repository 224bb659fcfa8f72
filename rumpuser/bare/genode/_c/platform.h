/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform of a Genode component: the six functions of rumpuser/bare/platform.py, and its disk. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <base/env.h>
#include <block_session/connection.h>
#include <rtc_session/connection.h>
#include <terminal_session/connection.h>
#include <timer_session/connection.h>

namespace Rump {

using Genode::size_t;
using Genode::uint64_t;

/* Anything that came: the waiting code looks for itself what it was. */
struct Wakeup {
    Genode::Io_signal_handler<Wakeup> handler;

    explicit Wakeup(Genode::Entrypoint &ep) : handler(ep, *this, &Wakeup::nothing) {}
    void nothing() {}
};

class Disk {
    using Packet = Block::Packet_descriptor;
    using Source = Block::Session::Tx::Source;

    Genode::Env &_env;
    Wakeup _wakeup;
    Genode::Heap _heap;
    Genode::Allocator_avl _alloc;
    Block::Connection<> _block;
    Block::Session::Info const _info;
    unsigned long _tag = 0;

    bool _submit(Packet::Opcode operation, char *data, uint64_t number, size_t count);
    bool _transfer(Packet::Opcode operation, char *data, uint64_t number, size_t count);
    Packet _finished(Packet packet);

public:
    explicit Disk(Genode::Env &env);

    uint64_t size() const { return _info.block_count * _info.block_size; }
    size_t sector() const { return _info.block_size; }
    bool read_only() const { return !_info.writeable; }

    /* Whole sectors inside the disk; whether all of them were moved. */
    bool read(char *data, uint64_t offset, size_t length);
    bool write(char const *data, uint64_t offset, size_t length);
    bool sync();
    bool discard(uint64_t offset, uint64_t length);
};

class Platform {
    Genode::Env &_env;
    Wakeup _wakeup;
    Timer::Connection _timer;
    Terminal::Connection _terminal, _entropy;
    Rtc::Connection _rtc;
    Disk _disk;

public:
    explicit Platform(Genode::Env &env);

    Disk &disk() { return _disk; }
    void halt(int status);
    uint64_t monotonic() const;                 /* nanoseconds */
    uint64_t epoch_offset();
    void block_until(uint64_t time);
    void console_write(char const *data, size_t length);
    void entropy(char *data, size_t length);    /* waits for all of it */
};

/* From Genode's Component::construct, before Python starts. */
void start(Genode::Env &env);
Platform &platform();

}

#endif
