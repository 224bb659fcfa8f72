# SPDX-License-Identifier: BSD-2-Clause
"""How plain values travel to peers that are not trusted."""
