# SPDX-License-Identifier: BSD-2-Clause
"""List directories inside images."""

from __future__ import annotations

from rump.fsutils import attributes
from rump.fsutils.descent import Descent
from rump.fsutils.listing import entries as rows
from rump.fsutils.listing.naming import Naming, is_colored
from rump.fsutils.operand import expanded
from rump.fsutils.options import make_parser, with_defaults
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.listing.entries import Entry
    from rump.fsutils.listing.long import LongFormat
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

OPERANDS = "IMAGE[@PARTITION][:/PATH] ..."

_FLAGS = (
    ("-l", "long", "long lines: mode, links, owner, group, size, time, name"),
    ("-a --all", "all", "also entries that begin with a dot"),
    ("-A --almost-all", "almost_all", "the same without . and .."),
    ("-R --recursive", "recursive", "and everything below"),
    ("-d --directory", "directory", "directories themselves, not what is in them"),
    ("-h --human-readable", "human", "sizes in K, M, G"),
    ("-i --inode", "inode", "inode numbers"),
    ("-s --size", "blocks", "space taken, in KiB"),
    ("-n --numeric-uid-gid", "numeric", "long, owners as numbers"),
    ("-o", "no_group", "long without the group"),
    ("-g", "no_owner", "long without the owner"),
    ("-r --reverse", "reverse", "the other way round"),
    ("-1", "single", "one name a line"),
    ("-C", "columns", "columns, also where no terminal is"),
    ("-L --dereference", "dereference", "what symbolic links lead to"),
    ("-H --dereference-command-line", "dereference_operand", "the same for operands only"),
    ("-f", "raw", "all, in the directory's own order"),
    ("-k", "kilobytes", "space in KiB; it is unless --block-size says otherwise"),
    ("-m", "commas", "names with commas between, as many on a line as fit"),
    ("-x", "across", "columns, sorted across"),
    ("--flags", "flags", "file flags, in long lines (the -o of the BSDs)"),
    ("--group-directories-first", "directories_first", "directories before all else"),
    ("--full-time", "full_time", "long with --time-style=full-iso"),
    ("--json", "json", "a JSON object a line"),
)
_TIMES = {
    "atime": v.ATIME, "access": v.ATIME, "use": v.ATIME, "ctime": v.CTIME, "status": v.CTIME, "mtime": v.MTIME,
    "modification": v.MTIME, "birth": v.BIRTHTIME, "creation": v.BIRTHTIME,
}  # fmt: skip
_CHOICES = (
    ("-t", "sort", "time", "newest first"),
    ("-S", "sort", "size", "biggest first"),
    ("-U", "sort", "none", "in the directory's own order"),
    ("-X", "sort", "extension", "by what is behind the last dot"),
    ("-v", "sort", "version", "numbers in names count as numbers"),
    ("-u", "time", v.ATIME, "time of last access"),
    ("-c", "time", v.CTIME, "time of last change of attributes"),
    ("-F --classify", "classify", "all", "/ behind directories, * @ | = behind other kinds"),
    ("-p", "classify", "slash", "/ behind directories"),
    ("-q --hide-control-chars", "quoting", "question", "? for what does not print"),
    ("-b --escape", "quoting", "escape", "C escapes for what does not print"),
    ("-N --literal", "quoting", "literal", "names as they are"),
    ("-Q --quote-name", "quoting", "c", "names in double quotes, as in C"),
    ("--octal", "quoting", "octal", "octal escapes for what does not print (the -B of the BSDs)"),
)

USUAL_TIME = "locale"
OWNERS = ("numbers", "image", "host")       # as owners.CHOICES has them
RELATED = ("tree", "stat", "find")
EXAMPLES = """\
fsu ls -l disk.img@2:/etc
    List a directory in the second partition.

fsu ls -lR --json x.img
    All there is, for programs.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as Linux and the BSDs know them."""
    for flag, name, text in _FLAGS:
        parser.add_argument(*flag.split(), dest=name, action="store_true", help=text)
    for flag, name, value, text in _CHOICES:
        parser.add_argument(*flag.split(), dest=name, action="store_const", const=value, help=text)
    parser.add_argument("--sort", dest="sort", help="the order",
                        choices=("none", "name", "time", "size", "extension", "version", "width"))  # fmt: skip
    parser.add_argument("--time", dest="time_word", metavar="WORD", choices=tuple(_TIMES),
                        help="the time that is shown or sorted by: atime, ctime, mtime, birth")  # fmt: skip
    parser.add_argument("--quoting-style", dest="quoting", choices=("literal", "shell", "shell-always", "c", "escape"),
                        help="how names are shown; shell on a terminal, else literal")  # fmt: skip
    parser.add_argument("-I", "--ignore", action="append", default=[], metavar="GLOB", help="leave out such names")
    parser.add_argument("--hide", action="append", default=[], metavar="GLOB", help="the same, unless -a or -A")
    parser.add_argument("--block-size", dest="unit", type=_block_size, default=1024, metavar="SIZE",
                        help="what space is counted in: 512, 1K, 1M ...")  # fmt: skip
    parser.add_argument("--time-style", default=USUAL_TIME, metavar="STYLE",
                        help="locale, iso, long-iso, full-iso or +FORMAT as for date")  # fmt: skip
    parser.add_argument("--color", choices=("always", "auto", "never"),
                        help="in colour, as LS_COLORS says; usually on a terminal")  # fmt: skip
    parser.add_argument("--names", default="numbers", choices=OWNERS,
                        help="owners by name, from the image's /etc/passwd or the host's")  # fmt: skip
    parser.add_argument("operands", nargs="*", help="what to list")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; ``--color`` has a value only behind ``=``."""
    parser = make_parser("ls", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_defaults(arguments, {"--color": "always"}))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """List the operands: files first, then each directory."""
    _settle(command, arguments)
    Lister(command, arguments).list_operands(list(expanded(command.session, arguments.operands)))
    return command.status


def _block_size(text: str) -> int:
    """As `sizes.block_size`."""
    from rump.fsutils.sizes import block_size

    return block_size(text)


def _settle(command: Command, o: argparse.Namespace) -> None:
    """Work out what the options imply."""
    from rump.fsutils.errors import UsageError

    if not o.operands:
        raise UsageError("an image is needed")
    if o.time_style != USUAL_TIME and not o.time_style.startswith("+"):
        from rump.fsutils.dates import STYLES

        if o.time_style not in STYLES:
            raise UsageError(f"unknown time style {o.time_style!r}")
    if o.full_time:
        o.time_style = "full-iso"
    o.long = o.long or o.numeric or o.no_group or o.no_owner or o.full_time
    o.names = "numbers" if o.numeric else o.names
    o.all = o.all or o.raw
    o.almost_all = o.almost_all or o.all
    if o.time_word is not None:
        o.time = _TIMES[o.time_word]
    o.ignored = _ignored(o)
    o.sort = o.sort or ("none" if o.raw else "time" if o.time is not None and not o.long else "name")
    o.time = v.MTIME if o.time is None else o.time
    o.columns = not o.long and not o.single and (o.columns or o.across or o.commas or command.out.is_terminal)
    colored = is_colored(o, command.out.is_terminal)
    o.attributes = bool(
        o.long or o.json or o.blocks or colored or o.classify == "all" or o.dereference or o.sort in ("time", "size")
    )


def _ignored(o: argparse.Namespace) -> Callable[[bytes], bool] | None:
    """Whether a name is to be left out; None if none is."""
    patterns = o.ignore + (o.hide if not o.almost_all else [])
    if not patterns:
        return None
    from rump.fsutils.finding.patterns import glob

    tests = [glob(pattern) for pattern in patterns]
    return lambda name: any(test(name) for test in tests)


class Lister:
    """One run of ls."""

    def __init__(self, command: Command, o: argparse.Namespace) -> None:
        self.command = command
        self.options = o
        self.naming = Naming(o, command.out.is_terminal)
        self._long: dict[int, LongFormat] = {}
        self._links: dict[bytes, bytes] = {}        # operands that are symbolic links -> where they lead
        self._separate = False

    def list_operands(self, operands: list[Operand]) -> None:
        """Files first, as one list; then directories, with headings if there is more than one thing to show."""
        directories: dict[bytes, tuple[Operand, Lwp]] = {}
        order: list[Entry] = []
        files: dict[Lwp, list[Entry]] = {}
        for operand in operands:
            try:
                lwp, entry = self._operand(operand)
            except OSError as error:
                self.command.fail(operand, error)
                continue
            if attributes.is_directory(entry[2][v.MODE]) and not self.options.directory:
                directories[operand.shown] = operand, lwp
                order.append(entry)
            else:
                files.setdefault(lwp, []).append(entry)
        for lwp, found in files.items():
            self._files(lwp, found)
        headings = len(operands) > 1 or self.options.recursive
        rows.sort(order, self.options)
        for shown, _, _ in order:
            operand, lwp = directories[shown]
            if self.command.interrupted:
                break
            self.list_tree(lwp, operand, headings)

    def _operand(self, operand: Operand) -> tuple[Lwp, Entry]:
        """An operand's process, and what it is: a symbolic link itself in a long listing, else what it leads to."""
        o = self.options
        lwp, path = self.command.session.resolve(operand)
        keep = (o.long or o.directory or o.classify == "all") and not o.dereference and not o.dereference_operand
        try:
            stat = lwp.lstat(path) if keep and not path.endswith(b"/") else lwp.stat(path)
        except FileNotFoundError:
            stat = lwp.lstat(path)
        if attributes.is_link(stat.st_mode):
            self._links[operand.shown] = lwp.readlink(path)
        return lwp, (operand.shown, 0, attributes.of(stat))

    def _files(self, lwp: Lwp, found: list[Entry]) -> None:
        """The operands in one image that are no directories, under the names they were given by."""
        rows.sort(found, self.options)
        if self.options.json:
            self._json(found, b"", self._links)
        else:
            self._write(found, self._links, lwp)
        self._separate = True

    def list_tree(self, lwp: Lwp, operand: Operand, headings: bool) -> None:
        """A directory, and with -R all below it, each under its heading."""
        try:
            descent = Descent(lwp, operand.path)
        except OSError as error:
            self.command.fail(operand, error)
            return
        try:
            pending = [iter(self._directory(lwp, descent.fd, operand.shown, headings))]
            paths = [operand.shown]
            while pending and not self.command.interrupted:
                child = next(pending[-1], None)
                if child is None:
                    pending.pop()
                    paths.pop()
                    descent.leave()
                    continue
                path = below(paths[-1], child[0])
                try:
                    descent.enter(*child)
                except OSError as error:
                    self.command.fail(path, error)
                    continue
                pending.append(iter(self._directory(lwp, descent.fd, path, headings)))
                paths.append(path)
        finally:
            descent.close()

    def _directory(self, lwp: Lwp, fd: int, path: bytes, heading: bool) -> list[tuple[bytes, int]]:
        """Show one open directory; with -R the directories in it, as (name, fileid)."""
        o, out = self.options, self.command.out
        try:
            found = rows.read(lwp, fd, o, lambda name, error: self.command.fail(below(path, name), error))
        except OSError as error:
            self.command.fail(path, error)
            return []
        targets = self._targets(lwp, fd, path, found) if o.long or o.json else {}
        if o.json:
            self._json(found, path, targets)
        else:
            if heading:
                out.write((b"\n" if self._separate else b"") + self.naming.escape(path) + b":\n")
            if o.long or o.blocks:
                from rump.fsutils import sizes

                total = sum([entry[2][v.ALLOCATED] for entry in found])
                out.write(f"total {sizes.human(total) if o.human else sizes.blocks(total, o.unit)}\n".encode())
            self._write(found, targets, lwp)
        self._separate = True
        if not o.recursive:
            return []
        return [
            (name, row[v.FILEID]) for name, _, row in found
            if row[v.MODE] & 0o170000 == 0o040000 and name not in (b".", b"..")
        ]  # fmt: skip

    def _targets(self, lwp: Lwp, fd: int, path: bytes, found: list[Entry]) -> dict[bytes, bytes]:
        """Where the symbolic links among entries lead."""
        targets = {}
        for name, _, row in found:
            if row[v.MODE] & 0o170000 == 0o120000:
                try:
                    targets[name] = lwp.readlinkat(fd, name)
                except OSError as error:
                    self.command.fail(below(path, name), error)
        return targets

    def _write(self, found: list[Entry], targets: dict[bytes, bytes], lwp: Lwp) -> None:
        """Entries as lines, long or short, or in columns."""
        if self.options.long:
            lines = self._long_format(lwp).lines(found, targets)
        else:
            lines = [name + b"\n" for name in self.naming.show(found)]
        if self.options.inode or self.options.blocks or self.options.columns:
            from rump.fsutils.listing.short import extended

            lines = extended(found, lines, self.options, self.naming)
        self.command.out.write(b"".join(lines))

    def _long_format(self, lwp: Lwp) -> LongFormat:
        """The long format with the names of a process's /etc/passwd, if asked for."""
        found = self._long.get(id(lwp))
        if found is None:
            from rump.fsutils.listing.long import LongFormat
            from rump.fsutils.owners import Owners

            found = self._long[id(lwp)] = LongFormat(self.options, self.naming, Owners(self.options.names, lwp))
        return found

    def _json(self, found: list[Entry], path: bytes, targets: dict[bytes, bytes]) -> None:
        """Entries as JSON Lines."""
        from rump.fsutils import json_lines

        for name, _, row in found:
            record = json_lines.named("path", below(path, name) if path else name)
            record |= json_lines.named("name", name if path else name.rpartition(b"/")[2])
            record |= json_lines.attributes(row)
            if name in targets:
                record |= json_lines.named("target", targets[name])
            self.command.out.write(json_lines.line(record))


def below(path: bytes, name: bytes) -> bytes:
    """The path of a directory's entry.

    >>> below(b"a.img:/", b"etc"), below(b"a.img:/etc", b"passwd")
    (b'a.img:/etc', b'a.img:/etc/passwd')
    """
    return path + name if path.endswith(b"/") else path + b"/" + name
