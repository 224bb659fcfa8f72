# SPDX-License-Identifier: BSD-2-Clause
"""The check's modules, by their bare names."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)
