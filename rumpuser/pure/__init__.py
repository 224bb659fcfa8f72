# SPDX-License-Identifier: BSD-2-Clause
"""Pure computing that every host falls back to.  Imports nothing of a host."""
