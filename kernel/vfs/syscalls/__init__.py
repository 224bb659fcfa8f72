# SPDX-License-Identifier: BSD-2-Clause
"""The system calls of the file-system faction."""
