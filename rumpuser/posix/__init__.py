# SPDX-License-Identifier: BSD-2-Clause
"""Pieces of hosts with POSIX underneath, one capability each; a host is a list of them.

``no_*`` is the emptiest legal form of a capability, for hosts that lack it.
"""
