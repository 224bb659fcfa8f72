# SPDX-License-Identifier: BSD-2-Clause
"""Making ISO 9660 volumes: loaded only when one is made, or filled.

    options     what is asked for: options as strings, understood
    place       where an empty volume has what, and the note
    make        an empty volume, with a note of the options for whoever fills it
"""
