# SPDX-License-Identifier: BSD-2-Clause
"""``fsu tar -x`` once its command line is understood."""

from __future__ import annotations

import os
import sys
from time import time_ns

from rump.fsutils.archive.extract import Extractor
from rump.fsutils.archive.member_source import MemberSource
from rump.fsutils.archive.members import Archive, Entry, errors, names, raw
from rump.fsutils.copy.changes import Changes, read_options
from rump.fsutils.copy.options import Keep
from rump.fsutils.copy.report import BadSource
from rump.fsutils.copy.target import Interrupted
from rump.fsutils.errors import UsageError
from rump.fsutils.names import escape
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.tracing import source_date_epoch
from rump.kernel.abi import S_IFDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import IO

    from rump.fsutils.command import Command
    from rump.fsutils.copy.target import Target
    from rump.fsutils.operand import Operand
    from rump.kernel.vfs.volume import Attributes


def extract(command: Command, arguments: argparse.Namespace) -> int:
    """Extract an archive; the exit status."""
    to = parse_operand(arguments.directory or ".", image_by_default=False)
    changes = read_options(arguments, time_ns())
    keep = _keep(arguments, to)
    changes.applied_to(keep)
    if to.image is not None:
        changes.epoch = source_date_epoch()
    wanted = _wanted(arguments)
    command.session.writes_to(to)
    try:
        file = sys.stdin.buffer if arguments.file == "-" else open(arguments.file, "rb")    # noqa: SIM115
    except OSError as error:
        command.fail(arguments.file, error)
        return command.status
    source = MemberSource()
    try:
        target = _target(command, source, keep, to)
        with target:
            top = target.top(to.path)
            made = (0, 0, S_IFDIR | 0o755, 1, 0, 0, 0, 0, 0, now := time_ns(), now, 0, 0, 0)
            extractor = Extractor(target, source, top, command.session, command.fail, command.warn,
                                  _own(command, to, made), arguments.keep_old_files)  # fmt: skip
            try:
                _run(command, arguments, extractor, file, changes, wanted)
            finally:
                extractor.close()
                target.close(top)
    except Interrupted:
        pass
    except OSError as error:
        command.fail(to, error)
    finally:
        if arguments.file != "-":
            file.close()
    return command.status


def _own(command: Command, to: Operand, made: Attributes) -> Attributes:
    """What a directory gets that no member describes: it is ours."""
    if to.image is not None:
        now = command.session.kernel.now()
        return (*made[:9], now, now, *made[11:])
    return (*made[:4], os.geteuid(), os.getegid(), *made[6:])


def _keep(arguments: argparse.Namespace, to: Operand) -> Keep:
    root = to.image is not None or os.geteuid() == 0
    return Keep(
        mode=root or arguments.preserve_permissions, owner=root and arguments.same_owner, times=not arguments.touch,
        links=True, xattrs=arguments.xattrs,
    )  # fmt: skip


def _target(command: Command, source: MemberSource, keep: Keep, to: Operand) -> Target:
    if to.image is None:
        from rump.fsutils.copy.host import HostTarget

        return HostTarget(source, keep, command.session)
    from rump.fsutils.copy.kernel import KernelTarget

    return KernelTarget(source, keep, command.session.resolve(to)[0], command.session)


def _run(
    command: Command, arguments: argparse.Namespace, extractor: Extractor, file: IO[bytes], changes: Changes,
    wanted: Callable[[bytes], bool],
) -> None:  # fmt: skip
    """Extract what is wanted.  What is wrong with the archive itself ends it, with directories as they should be."""
    try:
        for entry in Archive(file).entries(arguments.strip_components):
            if not isinstance(entry, Entry):
                if wanted(entry[0]):
                    command.fail(entry[0], entry[1])
                continue
            if not wanted(entry.name):
                continue
            if changes:
                entry.attributes = changes(entry.attributes)
            if extractor.add(entry) and arguments.verbose:
                command.out.write(escape(entry.name) + b"\n")
    except UsageError:
        raise
    except errors() as error:
        command.fail("(standard input)" if arguments.file == "-" else arguments.file, f"not a sound archive: {error}")
    extractor.end()


def _wanted(arguments: argparse.Namespace) -> Callable[[bytes], bool]:
    """Whether a member is among the operands or below one, and not excluded."""
    from rump.fsutils.tar import excluded

    if arguments.strip_components < 0:
        raise UsageError("--strip-components: a number of names")
    exclude = excluded(arguments.exclude)
    try:
        chosen = [names(raw(text)) for text in arguments.operands]
    except BadSource as error:
        raise UsageError(str(error)) from None

    def wanted(name: bytes) -> bool:
        if arguments.exclude and exclude(name):
            return False
        if not chosen:
            return True
        parts = tuple([part for part in name.split(b"/") if part not in (b"", b".")])
        return any(parts[: len(choice)] == choice for choice in chosen)

    return wanted
