# SPDX-License-Identifier: BSD-2-Clause
"""What `fsu find` is made of: the walk, the expression and its tests and actions, -printf."""
