# SPDX-License-Identifier: BSD-2-Clause
"""Lines of commands: what `fsu batch` and `fsu shell` have in common, and the shell itself."""
