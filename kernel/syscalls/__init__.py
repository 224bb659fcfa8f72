# SPDX-License-Identifier: BSD-2-Clause
"""The system calls of the base, which need no file system: descriptors, pipes, polling, identity."""
