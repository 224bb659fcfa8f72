# SPDX-License-Identifier: BSD-2-Clause
"""What `fsu grep` is made of: patterns, the lines they select, how those are shown."""
