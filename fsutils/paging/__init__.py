# SPDX-License-Identifier: BSD-2-Clause
"""Manual pages: made from what the commands say of themselves, and shown."""
