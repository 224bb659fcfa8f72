# SPDX-License-Identifier: BSD-2-Clause
"""The file-system faction: vnodes, names, mounts, and the interface that drivers implement (`volume`)."""
