# SPDX-License-Identifier: BSD-2-Clause
"""What may follow on an unfinished command line, for the shells of the host and for `fsu shell`."""
