# SPDX-License-Identifier: BSD-2-Clause
"""``python tests/abi``: every backend's C compiled, and every number that it assumes compared with its headers'.

Says a line for each host and machine, and closes with ``N passed, N failed``.
"""

from __future__ import annotations

import sys

from abi_run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
