# SPDX-License-Identifier: BSD-2-Clause
"""What hosts are under the suite: a module for each kind of machine (`rump.conformance.hosts` is the table)."""
