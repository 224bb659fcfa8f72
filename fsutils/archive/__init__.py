# SPDX-License-Identifier: BSD-2-Clause
"""What `fsu tar` is made of: the pax format, the walk that fills an archive, and where the archive goes."""
