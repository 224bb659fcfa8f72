# SPDX-License-Identifier: BSD-2-Clause
"""A program: turns Python files into code files.  Run by the interpreter whose code files are wanted.

Standard input: three lines a file - the source, the path it is to show in tracebacks, the code file to write.  Each
is compiled in a process of its own: what marshal writes depends on what else the process has in memory, and the same
source has to give the same bytes.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys

UNCHECKED = (1).to_bytes(4, "little") + bytes(8)
"""The header's flags, and a hash of the source that nobody checks (PEP 552)."""


def compile_file(source: str, shown: str, target: str) -> None:
    """Errors: OSError, SyntaxError."""
    with open(source, "rb") as file:
        code = compile(file.read(), shown, "exec", dont_inherit=True)
    with open(f"{target}.{os.getpid()}", "wb") as output:
        output.write(importlib.util.MAGIC_NUMBER + UNCHECKED + marshal.dumps(code))
    os.replace(output.name, target)


def main() -> int:
    """The exit status: 1 if a file did not compile."""
    lines = sys.stdin.read().splitlines()
    failed = 0
    for source, shown, target in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        process = os.fork()
        if not process:
            compile_file(source, shown, target)
            os._exit(0)
        failed |= os.waitpid(process, 0)[1]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
