# SPDX-License-Identifier: BSD-2-Clause
"""Bare metal: our own kernel (`_c`), and the devices of a machine: virtio, on PCI or in memory.

`host` and `platform` are what runs there.
"""
