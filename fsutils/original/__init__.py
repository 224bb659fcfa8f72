# SPDX-License-Identifier: BSD-2-Clause
"""The programs of the original fs-utils: fsu_ls, fsu_cat, fsu_cp ...

    fsu_ls disk.img -l /etc

They name the image first, then the options and operands of the NetBSD command of the same name.  All of them are one
program that looks at its name: `grammar` finds the image, `aliases` and `mount_options` say how it is mounted, and
`programs` turns the rest into the words of a verb of ``fsu``, which does the work.
"""
