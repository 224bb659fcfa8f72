# SPDX-License-Identifier: BSD-2-Clause
"""Wrappers round a host that are hosts themselves: put together at boot, and nothing at all when absent.

``trace`` writes every hypercall as strace writes system calls, ``record`` keeps what came through both edges of the
kernel, ``replay`` is a host made of a recording, ``faults`` makes calls fail, ``powerloss`` logs what is written and
makes of it what a crash may leave.  ``nosync`` and ``reproducible`` are for users: writing without waiting for stable
storage, and with a clock and random bytes that are the same in each run.
"""
