/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Genode's side of the sessions, simulated in the process: a disk in memory whose requests end only while the component
 * waits for signals, and out of order with refusals if it is told to; a timer that jumps to the timeout.
 *
 * Aborts on what a client must not do: packets in use twice, submitting into a full queue, waiting for nothing.
 */

#include "platform.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

extern "C" {
long simulation_exit = -1, simulation_fail = 0, simulation_packets = 0, simulation_syncs = 0;
char simulation_console[65536];
long simulation_console_length = 0;
}

namespace {

constexpr unsigned long SECTOR = 512, SECTORS = 512ul << 11, QUEUE = 4;

std::vector<char> medium(SECTOR *SECTORS), stream(1 << 20);
std::deque<Block::Packet_descriptor> submitted, acked;
unsigned long stream_used, stream_out, microseconds = 5, timeout, random_state = 1, dry;
Genode::Signal_context_capability ack_signal, timer_signal, entropy_signal;

[[noreturn]] void wrong(char const *what)
{
    std::fprintf(stderr, "simulation: %s\n", what);
    std::abort();
}

void raise(Genode::Signal_context_capability signal)
{
    if (signal.context)
        static_cast<Genode::Signal_dispatcher *>(signal.context)->dispatch();
}

void serve(Block::Packet_descriptor packet)
{
    unsigned long const start = packet.block_number() * SECTOR, length = packet.block_count() * SECTOR;
    bool const moves = packet.operation() == packet.READ || packet.operation() == packet.WRITE;

    if (start + length > medium.size() || (moves && length != packet.size()))
        wrong("a request outside the disk or its packet");
    packet.succeeded(!simulation_fail);
    if (packet.operation() == packet.SYNC)
        simulation_syncs++;
    else if (!simulation_fail && packet.operation() == packet.READ)
        std::memcpy(&stream[(unsigned long)packet.offset()], &medium[start], length);
    else if (!simulation_fail && packet.operation() == packet.WRITE)
        std::memcpy(&medium[start], &stream[(unsigned long)packet.offset()], length);
    else if (!simulation_fail && packet.operation() == packet.TRIM)
        std::memset(&medium[start], 0, length);
    acked.push_back(packet);
}

}

namespace Genode {

Entrypoint &Env::ep()
{
    static Entrypoint ep;
    return ep;
}

/* Nobody looks into these two. */
struct Ram_allocator {};
struct Region_map {};

Ram_allocator &Env::ram()
{
    static Ram_allocator ram;
    return ram;
}

Region_map &Env::rm()
{
    static Region_map rm;
    return rm;
}

Parent &Env::parent()
{
    static Parent parent;
    return parent;
}

void Parent::exit(int value)
{
    simulation_exit = value;
    std::fflush(nullptr);
    std::_Exit(value);
}

void Entrypoint::wait_and_dispatch_one_io_signal()
{
    if (!submitted.empty()) {
        serve(submitted.front());
        submitted.pop_front();
        raise(ack_signal);
    } else if (timeout) {
        microseconds = timeout;
        timeout = 0;
        raise(timer_signal);
    } else if (dry) {
        dry = 0;
        raise(entropy_signal);
    } else
        wrong("the component waits for ever");
}

Heap::Heap(Ram_allocator &, Region_map &) {}
Allocator_avl::Allocator_avl(Allocator *) {}

}

namespace Block {

template <> Connection<>::Connection(Genode::Env &, Genode::Range_allocator *, Genode::size_t size, char const *)
{
    stream.resize(size);
}

template <> Session::Info Connection<>::info() const
{
    return {SECTOR, SECTORS, 12, true};
}

template <> Packet_descriptor Connection<>::alloc_packet(Genode::size_t size)
{
    if (stream_out++ == 0)
        stream_used = 0;
    if (stream_used + size > stream.size())
        throw Session::Tx::Source::Packet_alloc_failed();
    stream_used += size;
    return Packet_descriptor((Genode::off_t)(stream_used - size), size);
}

template <> Session::Tx::Source *Connection<>::tx()
{
    static Session::Tx::Source source;
    return &source;
}

template <> Session::Tx *Connection<>::tx_channel()
{
    static Session::Tx tx;
    return &tx;
}

void Session::Tx::sigh_ready_to_submit(Genode::Signal_context_capability) {}
void Session::Tx::sigh_ack_avail(Genode::Signal_context_capability signal) { ack_signal = signal; }
bool Session::Tx::Source::ready_to_submit() { return submitted.size() < QUEUE; }
bool Session::Tx::Source::ack_avail() { return !acked.empty(); }

void Session::Tx::Source::submit_packet(Packet_descriptor packet)
{
    if (!ready_to_submit())
        wrong("the queue is full");
    simulation_packets++;
    submitted.push_back(packet);
}

Packet_descriptor Session::Tx::Source::get_acked_packet()
{
    if (acked.empty())
        wrong("there is no acknowledged packet");
    Packet_descriptor const packet = acked.front();
    acked.pop_front();
    return packet;
}

char *Session::Tx::Source::packet_content(Packet_descriptor packet) { return &stream[(unsigned long)packet.offset()]; }

void Session::Tx::Source::release_packet(Packet_descriptor)
{
    if (!stream_out--)
        wrong("a packet is released twice");
}

}

namespace Timer {

Connection::Connection(Genode::Env &, char const *) {}
Genode::uint64_t Connection::elapsed_us() const { return microseconds; }
void Connection::trigger_once(Genode::uint64_t us) { timeout = microseconds + us; }
void Connection::sigh(Genode::Signal_context_capability signal) { timer_signal = signal; }

}

namespace Terminal {

Connection::Connection(Genode::Env &, char const *) {}
bool Connection::avail() { return !dry; }
void Connection::read_avail_sigh(Genode::Signal_context_capability signal) { entropy_signal = signal; }

/* Seven bytes at a time, and every other time none until it is waited for. */
Genode::size_t Connection::read(void *buffer, Genode::size_t size)
{
    static int calls;
    Genode::size_t const count = size < 7 ? size : 7;

    if (++calls % 2 == 0) {
        dry = 1;
        return 0;
    }
    for (Genode::size_t i = 0; i < count; i++) {
        random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
        ((char *)buffer)[i] = (char)(random_state >> 56);
    }
    return count;
}

Genode::size_t Connection::write(void const *buffer, Genode::size_t size)
{
    Genode::size_t const taken = size < 100 ? size : 100;

    if (simulation_console_length + (long)taken <= (long)sizeof(simulation_console)) {
        std::memcpy(simulation_console + simulation_console_length, buffer, taken);
        simulation_console_length += (long)taken;
    }
    return taken;
}

}

namespace Rtc {

Connection::Connection(Genode::Env &, char const *) {}
Timestamp Connection::current_time() { return {250000, 40, 26, 12, 13, 9, 2020}; }

}

/* Before the module is used: what Component::construct does in a component. */
extern "C" void simulation_start()
{
    static Genode::Env env;

    Rump::start(env);
}
