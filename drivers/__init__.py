# SPDX-License-Identifier: BSD-2-Clause
"""Drivers, each ignorant of where it runs: they import `rump.kernel` and pure computing, nothing else."""
