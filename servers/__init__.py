# SPDX-License-Identifier: BSD-2-Clause
"""Other ways into a kernel than being in its process: programs of the host, built on its system calls."""
