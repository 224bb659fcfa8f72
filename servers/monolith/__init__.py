# SPDX-License-Identifier: BSD-2-Clause
"""One kernel for all: every file system and every way in, in one process, from one TOML file (docs/monolith.md)."""
