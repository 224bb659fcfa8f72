# SPDX-License-Identifier: BSD-2-Clause
"""Making whole disk images.

    spec     what is asked for: a TOML file or options, understood
    layout   where everything goes
    build    the image
"""
