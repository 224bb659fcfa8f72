# SPDX-License-Identifier: BSD-2-Clause
"""``rump``: what one asks of a kernel that runs elsewhere.

    main        the program
    verbs       what it can do
"""
