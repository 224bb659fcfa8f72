# SPDX-License-Identifier: BSD-2-Clause
"""Files in disk images for everything that opens files with fsspec: protocol ``rump`` (extra "fsspec")."""

from __future__ import annotations

from rump.servers.fsspec.file_system import ImageFileSystem

__all__ = ["ImageFileSystem"]
