# SPDX-License-Identifier: BSD-2-Clause
"""The device faction: block and character devices, disks over host files, partitions as wedges."""
