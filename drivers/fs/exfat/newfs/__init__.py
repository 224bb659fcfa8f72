# SPDX-License-Identifier: BSD-2-Clause
"""Making exFAT: loaded only when one is made.

    options   what is asked for: options as strings, understood
    layout    how large everything is, and where
    make      all of it, and the boot region last
"""
