/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we use of Genode's base interface, from repos/base/include of genodelabs/genode: base/env.h (Env), parent/parent.h
 * (exit), base/entrypoint.h (wait_and_dispatch_one_io_signal), base/signal.h (Io_signal_handler), base/heap.h,
 * base/allocator_avl.h.  A build inside Genode uses its own headers instead of this folder.
 */
#ifndef DECLARATIONS_BASE_ENV_H
#define DECLARATIONS_BASE_ENV_H

namespace Genode {

using size_t = unsigned long;
using off_t = long;
using uint64_t = unsigned long long;

struct Signal_context_capability {
    void *context = nullptr;
};

struct Entrypoint {
    /* Waits for one signal whose handler is an Io_signal_handler, and calls that. */
    void wait_and_dispatch_one_io_signal();
};

struct Parent {
    void exit(int exit_value);
};

struct Ram_allocator;
struct Region_map;

struct Env {
    Entrypoint &ep();
    Parent &parent();
    Ram_allocator &ram();
    Region_map &rm();
};

struct Signal_dispatcher {
    virtual void dispatch() = 0;
    virtual ~Signal_dispatcher() {}
};

template <typename T> struct Io_signal_handler : Signal_dispatcher {
    T &object;
    void (T::*member)();

    Io_signal_handler(Entrypoint &, T &object, void (T::*member)()) : object(object), member(member) {}
    void dispatch() override { (object.*member)(); }
    operator Signal_context_capability() { return Signal_context_capability{this}; }
};

struct Range_allocator {
    virtual ~Range_allocator() {}
};

struct Allocator {
    virtual ~Allocator() {}
};

struct Heap : Allocator {
    Heap(Ram_allocator &ram, Region_map &rm);
};

struct Allocator_avl : Range_allocator {
    explicit Allocator_avl(Allocator *metadata);
};

}

#endif
