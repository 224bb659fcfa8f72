# SPDX-License-Identifier: BSD-2-Clause
"""A guest of Xen (PVH, x86-64), as the first domain or another: our own kernel below, and Xen's devices.

`host` and `platform` are what runs there; the other modules reach Xen by a `machine` that they are given.
"""
