/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Genode's block session and its packet stream, as they are since requests to sync and to trim are packets (2019):
 * repos/os/include of genodelabs/genode, block/request.h and block_session/connection.h (revision 784206c85ccf),
 * block_session/{block_session,client}.h, os/packet_stream.h.
 */
#ifndef DECLARATIONS_BLOCK_CONNECTION_H
#define DECLARATIONS_BLOCK_CONNECTION_H

#include <base/env.h>

namespace Block {

using block_number_t = Genode::uint64_t;
using block_count_t = Genode::size_t;

struct Packet_descriptor {
    enum Opcode { READ, WRITE, SYNC, TRIM, END };
    struct Tag {
        unsigned long value;
    };

    Genode::off_t _offset = 0;
    Genode::size_t _size = 0;
    Opcode _op = READ;
    Tag _tag = {0};
    block_number_t _number = 0;
    block_count_t _count = 0;
    bool _success = false;

    Packet_descriptor(Genode::off_t offset = 0, Genode::size_t size = 0) : _offset(offset), _size(size) {}
    Packet_descriptor(Packet_descriptor p, Opcode op, block_number_t number, block_count_t count = 1, Tag tag = {~0U})
        : _offset(p._offset), _size(p._size), _op(op), _tag(tag), _number(number), _count(count) {}

    Genode::off_t offset() const { return _offset; }
    Genode::size_t size() const { return _size; }
    Opcode operation() const { return _op; }
    Tag tag() const { return _tag; }
    block_number_t block_number() const { return _number; }
    block_count_t block_count() const { return _count; }
    bool succeeded() const { return _success; }
    void succeeded(bool success) { _success = success; }
};

struct Session {
    struct Info {
        Genode::size_t block_size;
        block_number_t block_count;
        Genode::size_t align_log2;
        bool writeable;
    };

    struct Tx {
        struct Source {
            struct Packet_alloc_failed {};

            bool ready_to_submit();
            void submit_packet(Packet_descriptor packet);
            bool ack_avail();
            Packet_descriptor get_acked_packet();
            char *packet_content(Packet_descriptor packet);
            void release_packet(Packet_descriptor packet);
        };
        void sigh_ready_to_submit(Genode::Signal_context_capability sigh);
        void sigh_ack_avail(Genode::Signal_context_capability sigh);
    };
};

template <typename JOB = void> struct Connection {
    Connection(Genode::Env &env, Genode::Range_allocator *tx_block_alloc, Genode::size_t tx_buf_size = 128 * 1024,
        char const *label = "");

    Session::Info info() const;
    Packet_descriptor alloc_packet(Genode::size_t size);    /* throws Packet_alloc_failed */
    Session::Tx::Source *tx();
    Session::Tx *tx_channel();
};

}

#endif
