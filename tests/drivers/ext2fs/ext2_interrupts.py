# SPDX-License-Identifier: BSD-2-Clause
"""KeyboardInterrupt wherever CPython may raise it.

A signal is noticed when a Python function is entered, after a call of a C function, and when a loop goes round (the
evaluation loop's checks, Python/ceval.c); nowhere else.  `interrupted` raises at one such point, counted from the start
of a call, so that a trial is the same every time.
"""

from __future__ import annotations

import dis
import inspect
import os
import sys

WHERE = tuple(os.sep + os.path.join("rump", part) + os.sep for part in ("kernel", "drivers"))
CALLS = [name.startswith("CALL") for name in dis.opname]
OPCODES = [name.startswith(("CALL", "PRECALL", "JUMP_BACKWARD")) for name in dis.opname]


class Interrupts:
    """Counts the points that a call passes; at the `nth` KeyboardInterrupt is raised.

    points   how many were passed
    place    where it was raised, for people
    """

    def __init__(self, nth: int) -> None:
        self.nth = nth
        self.points = 0
        self.place = ""
        self._just_called: dict[object, bool] = {}

    def __call__(self, function, *arguments):
        """Make a call.  Errors: KeyboardInterrupt; the call's own."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return function(*arguments)
        finally:
            sys.settrace(before)
            self._just_called.clear()

    def _enter(self, frame, event, argument):
        if not any(part in frame.f_code.co_filename for part in WHERE):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        # A generator is entered again to be closed, too, where nobody would hear of an exception.
        if not frame.f_code.co_flags & inspect.CO_GENERATOR:
            self._point(frame)
        return self._inside

    def _inside(self, frame, event, argument):
        if event == "opcode":
            opcode = frame.f_code.co_code[frame.f_lasti]
            # 3.11 makes a call of two: PRECALL, which may do it all, and CALL.
            if self._just_called.pop(frame, False) and not CALLS[opcode]:
                self._point(frame)
            if OPCODES[opcode]:
                self._just_called[frame] = True
        elif event == "return":
            # What called this function returns to no check: the one after a call is for functions in C.
            self._just_called.pop(frame.f_back, None)
            self._just_called.pop(frame, None)
        return self._inside

    def _point(self, frame) -> None:
        self.points += 1
        if self.points == self.nth:
            self.place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno} {frame.f_code.co_name}"
            raise KeyboardInterrupt


class Interrupted:
    """An lwp whose system calls may be interrupted: each goes through `interrupts`, if there is one now."""

    def __init__(self, lwp) -> None:
        self._lwp = lwp
        self.interrupts: Interrupts | None = None

    def __getattr__(self, name: str):
        call = getattr(self._lwp, name)
        if self.interrupts is None or not callable(call):
            return call
        interrupts = self.interrupts
        return lambda *arguments: interrupts(call, *arguments)
