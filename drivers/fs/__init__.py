# SPDX-License-Identifier: BSD-2-Clause
"""File systems, one package each; the same concern has the same file name in every one of them."""
