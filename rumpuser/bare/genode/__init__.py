# SPDX-License-Identifier: BSD-2-Clause
"""A component of Genode: its block, timer, terminal and real-time clock sessions as a platform of the bare backend.

`_c` is the component's side, in C++, and the module `_genode`; `declarations` is as much of Genode's interface as that
uses; `platform` makes a `Platform` of the module.
"""
