# SPDX-License-Identifier: BSD-2-Clause
"""A read-only HTTP server of what an lwp's process sees as its root: pages to browse, files to download, folders as
archives, and WebDAV as far as reading goes.

The documents: RFC 9110 (HTTP: conditional requests, ranges), RFC 9112 (HTTP/1.1), RFC 4918 (WebDAV), RFC 6266 and 8187
(names of downloads), the Content Security Policy Level 3.
"""
