# SPDX-License-Identifier: BSD-2-Clause
"""What `fsu ls` is made of: entries and their order, names in colour and not, long lines, columns, JSON."""
