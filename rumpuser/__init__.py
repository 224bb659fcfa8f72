# SPDX-License-Identifier: BSD-2-Clause
"""rumpuser: the hypercalls, the only door from the kernel to a host.

``interface`` is the contract, ``host`` chooses the backend of this platform, ``posix``, ``linux`` and ``bare`` are
backends, ``middleware`` wraps any of them, ``pure`` is computing that they share.
"""
