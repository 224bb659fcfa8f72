# SPDX-License-Identifier: BSD-2-Clause
"""Compiled pieces that hosts share.  ``_c/__init__.py`` of a host lists those that it takes, and its own."""
