/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk: a block session.  Requests go as packets through memory that both sides have; what the other side answers is
 * checked before it is believed.
 */

#include "platform.h"

namespace {

constexpr Rump::size_t BUFFER = 1 << 20;        /* of the packet stream */
constexpr Rump::size_t PIECE = 128 << 10;       /* of one packet at most */

}

Rump::Disk::Disk(Genode::Env &env)
    : _env(env), _wakeup(env.ep()), _heap(env.ram(), env.rm()), _alloc(&_heap), _block(env, &_alloc, BUFFER, "disk"),
      _info(_block.info())
{
    _block.tx_channel()->sigh_ready_to_submit(_wakeup.handler);
    _block.tx_channel()->sigh_ack_avail(_wakeup.handler);
}

/* The packet as it comes back.  One is under way at a time, so any other is none of ours. */
Rump::Disk::Packet Rump::Disk::_finished(Packet packet)
{
    for (;;) {
        while (!_block.tx()->ack_avail())
            _env.ep().wait_and_dispatch_one_io_signal();
        Packet const acked = _block.tx()->get_acked_packet();
        if (acked.tag().value == packet.tag().value && acked.offset() == packet.offset())
            return acked;
    }
}

bool Rump::Disk::_submit(Packet::Opcode operation, char *data, uint64_t number, size_t count)
{
    bool const moves = operation == Packet::READ || operation == Packet::WRITE;
    size_t const length = moves ? count * _info.block_size : 0;
    Packet const room = moves ? _block.alloc_packet(length) : Packet();
    Packet const packet(room, operation, number, count, Packet::Tag{++_tag});

    if (operation == Packet::WRITE)
        __builtin_memcpy(_block.tx()->packet_content(packet), data, length);
    while (!_block.tx()->ready_to_submit())
        _env.ep().wait_and_dispatch_one_io_signal();
    _block.tx()->submit_packet(packet);

    bool const done = _finished(packet).succeeded();
    if (done && operation == Packet::READ)
        __builtin_memcpy(data, _block.tx()->packet_content(packet), length);
    if (moves)
        _block.tx()->release_packet(packet);
    return done;
}

bool Rump::Disk::_transfer(Packet::Opcode operation, char *data, uint64_t offset, size_t length)
{
    size_t const size = _info.block_size, most = PIECE / size ? PIECE / size : 1;

    if (offset % size || length % size || offset > this->size() || length > this->size() - offset)
        return false;
    for (size_t done = 0; done < length;) {
        size_t const left = (length - done) / size, count = left < most ? left : most;

        if (!_submit(operation, data + done, (offset + done) / size, count))
            return false;
        done += count * size;
    }
    return true;
}

bool Rump::Disk::read(char *data, uint64_t offset, size_t length)
{
    return _transfer(Packet::READ, data, offset, length);
}

bool Rump::Disk::write(char const *data, uint64_t offset, size_t length)
{
    return !read_only() && _transfer(Packet::WRITE, const_cast<char *>(data), offset, length);
}

bool Rump::Disk::sync()
{
    return _submit(Packet::SYNC, nullptr, 0, _info.block_count);
}

bool Rump::Disk::discard(uint64_t offset, uint64_t length)
{
    uint64_t const size = _info.block_size, first = (offset + size - 1) / size, last = (offset + length) / size;

    return read_only() || first >= last ? !read_only() : _submit(Packet::TRIM, nullptr, first, last - first);
}
