# SPDX-License-Identifier: BSD-2-Clause
"""``python -m rump.fsutils``: the same as ``fsu``."""

from rump.fsutils.main import main

if __name__ == "__main__":
    main()
