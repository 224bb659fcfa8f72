# SPDX-License-Identifier: BSD-2-Clause
"""virtio devices, driven from Python: block, network, console, entropy; found by registers in memory or on PCI.

Virtual I/O Device (VIRTIO) Version 1.2, OASIS Committee Specification 01, 1 July 2022.  What is needed of the machine
is in `machine`; a test's machine is an array of bytes.
"""
