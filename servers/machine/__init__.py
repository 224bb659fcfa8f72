# SPDX-License-Identifier: BSD-2-Clause
"""Starts a machine that runs Python programs with no operating system under them: under QEMU's plain emulation.

description  what a kind of machine is: what it boots, with which devices; metal (and xen) are such
qemu         starts one, with disks and network cards, and gathers what it says
line         a stream of messages between a program there and one here
"""
