# SPDX-License-Identifier: BSD-2-Clause
"""What `fsu diff` is made of: going through two trees, comparing what is in files, showing the lines that differ."""
