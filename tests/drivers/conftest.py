# SPDX-License-Identifier: BSD-2-Clause
"""Lets the tests of drivers share `driver_support`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
