# SPDX-License-Identifier: BSD-2-Clause
"""The original's programs: for each the verb of ``fsu`` that does the work, its options and what they are for the verb.

Options and what they mean are NetBSD's.
"""

from __future__ import annotations

from rump.fsutils.original import translation as t
from rump.fsutils.original.translation import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.original.flags import Flag

_LINKS: tuple[Flag, ...] = (
    ("H", "", ("-H",), "with -R: follow symbolic links among the operands"),
    ("L", "", ("-L",), "with -R: follow all symbolic links"),
    ("P", "", ("-P",), "with -R: follow no symbolic links"),
)
_DEEP: tuple[Flag, ...] = (*_LINKS, ("R", "", ("-R",), "and all that is below"))
_OWNER: tuple[Flag, ...] = (
    *_DEEP,
    ("f", "", ("-f",), "say nothing of what cannot be changed"),
    ("h", "", ("-h",), "symbolic links themselves"),
    ("v", "", ("-v",), "print what is changed"),
)
_ASK: Flag = ("i", "", ("-i",), "ask before anything is replaced")
_FORCE: Flag = ("f", "", ("-f",), "replace without asking")
_TOLD: Flag = ("v", "", ("-v",), "print what is done")
_MODE: Flag = ("m", "mode", ("-m",), "permissions, as for chmod")
_ECP: tuple[Flag, ...] = (
    ("d", "", ("-d",), "symbolic links as links; they are unless -L"),
    ("g", "", (), "get: out of the image"),
    ("L", "", ("-L",), "what symbolic links lead to"),
    ("p", "", (), "put: into the image"),
    ("R", "", ("-R",), "directories with all that is in them"),
    _TOLD,
)

PROGRAMS: dict[str, Program] = {
    "ls": Program("ls", "[file ...]", "List directories.", (
        ("1", "", ("-1",), "one name a line"),
        ("A", "", ("-A",), "names that begin with a dot, too"),
        ("B", "", ("--octal",), "octal escapes for what does not print"),
        ("C", "", ("-C",), "columns"),
        ("F", "", ("-F",), "/ behind directories, * @ | = behind other kinds"),
        ("L", "", ("-L",), "what symbolic links lead to"),
        ("R", "", ("-R",), "and everything below"),
        ("S", "", ("-S",), "biggest first"),
        ("T", "", ("--time-style=+%b %e %H:%M:%S %Y",), "times to the second, with the year"),
        ("W", "", (), "whiteouts; there are none"),
        ("a", "", ("-a",), "names that begin with a dot, . and .. too"),
        ("b", "", ("-b",), "C escapes for what does not print"),
        ("c", "", ("-c",), "time of last change of attributes"),
        ("d", "", ("-d",), "directories themselves, not what is in them"),
        ("f", "", ("-f",), "all, in the directory's own order"),
        ("g", "", ("-g",), "long lines without the owner"),
        ("h", "", ("-h",), "sizes in K, M, G"),
        ("i", "", ("-i",), "inode numbers"),
        ("k", "", (), "space in KiB"),
        ("l", "", ("-l",), "long lines"),
        ("m", "", ("-m",), "names with commas between"),
        ("n", "", ("-n",), "long lines, owners as numbers"),
        ("o", "", ("--flags",), "file flags, in long lines"),
        ("p", "", ("-p",), "/ behind directories"),
        ("q", "", ("-q",), "? for what does not print"),
        ("r", "", ("-r",), "the other way round"),
        ("s", "", ("-s",), "space taken, in units of BLOCKSIZE or 512 bytes"),
        ("t", "", ("-t",), "newest first"),
        ("u", "", ("-u",), "time of last access"),
        ("w", "", ("-N",), "names as they are"),
        ("x", "", ("-x",), "columns, sorted across"),
    ), t.ls, writes=False),
    "cat": Program("cat", "file ...", "Print files.", (
        ("b", "", ("-b",), "number lines that are not empty"),
        ("e", "", ("-e",), "-v, and $ at the end of lines"),
        ("n", "", ("-n",), "number lines"),
        ("s", "", ("-s",), "one empty line in place of many"),
        ("t", "", ("-t",), "-v, and tabs as ^I"),
        ("v", "", ("-v",), "what does not print as ^X and M-X"),
    ), t.files, writes=False),
    "cp": Program("cp", "source ... target", "Copy files inside an image.", (
        *_DEEP,
        ("N", "", (), "with -p: not the file flags; they never are"),
        _FORCE, _ASK,
        ("p", "", ("-p",), "keep modes, owners and times"),
        ("r", "", ("-R",), "as -R"),
        _TOLD,
    ), t.files),
    "mv": Program("mv", "source ... target", "Move files inside an image.", (_FORCE, _ASK, _TOLD), t.files),
    "rm": Program("rm", "file ...", "Remove files.", (
        ("d", "", ("-d",), "empty directories, too"),
        ("f", "", ("-f",), "say nothing of what is not there, and do not ask"),
        ("i", "", ("-i",), "ask before each"),
        ("P", "", ("-P",), "overwrite files first"),
        ("R", "", ("-R",), "directories with all that is in them"),
        ("r", "", ("-R",), "the same"),
        _TOLD,
        ("W", "", ("--undelete",), "bring back what a whiteout hides; there are none"),
    ), t.files),
    "mkdir": Program("mkdir", "directory ...", "Make directories.", (
        _MODE, ("p", "", ("-p",), "those above, too"),
    ), t.files),
    "rmdir": Program("rmdir", "directory ...", "Remove empty directories.", (
        ("p", "", ("-p",), "and those above"),
    ), t.files),
    "ln": Program("ln", "source ... target", "Make links.", (
        ("f", "", ("-f",), "replace what is there"),
        ("h", "", ("-n",), "a symbolic link to a directory is no directory to make links in"),
        ("i", "", ("-i",), "ask before anything is replaced"),
        ("n", "", ("-n",), "as -h"),
        ("s", "", ("-s",), "symbolic links"),
        _TOLD,
    ), t.ln),
    "chmod": Program("chmod", "mode file ...", "Change permissions.", _OWNER, t.chmod, stop="Xgorstuwx"),
    "chown": Program("chown", "owner[:group] file ...", "Change owners.", _OWNER, t.chown),
    "chgrp": Program("chgrp", "group file ...", "Change groups.", _OWNER, t.chown),
    "chflags": Program("chflags", "flags file ...", "Change file flags.", (
        *_DEEP, ("h", "", ("-h",), "symbolic links themselves"),
    ), t.chmod),
    "touch": Program("touch", "file ...", "Set times, make empty files.", (
        ("a", "", ("-a",), "only the time of the last access"),
        ("c", "", ("-c",), "make no file"),
        ("h", "", ("-h", "-c"), "symbolic links themselves; make no file"),
        ("m", "", ("-m",), "only the time of the last modification"),
        ("r", "file", ("-r",), "the times of this file"),
        ("t", "[[CC]YY]MMDDhhmm[.SS]", ("-t",), "this time"),
    ), t.touch),
    "stat": Program("stat", "file ...", "Show all that is known of files.", (
        ("f", "format", ("-f",), "as %N %z %p %Sp %m ..."),
        ("F", "", ("-F",), "as ls -lF"),
        ("L", "", ("-L",), "what symbolic links lead to"),
        ("l", "", ("-l",), "as ls -lT"),
        ("n", "", ("-n",), "no newline at the end"),
        ("q", "", ("-q",), "say nothing of what cannot be looked at"),
        ("r", "", ("-r",), "numbers only"),
        ("s", "", ("-s",), "as assignments for a shell"),
        ("t", "format", ("--time-format",), "times as strftime has them"),
        ("x", "", ("-x",), "on several lines"),
    ), t.stat, writes=False),
    "find": Program("find", "[path ...] [expression]", "Search for files.", (
        *_LINKS,
        ("d", "", (), "directories after what is in them"),
        ("E", "", (), "extended regular expressions"),
        ("f", "path", (), "a path that might be taken for the expression"),
        ("h", "", (), "as -L"),
        ("s", "", (), "sorted; it always is"),
        ("X", "", (), "leave out names that xargs would not take"),
        ("x", "", (), "stay in one file system"),
    ), t.find, writes=False, stop="abcegijklmnopqrtuvwyz!(0123456789"),
    "du": Program("du", "[file ...]", "Show how much space directories take.", (
        *_LINKS,
        ("a", "", ("-a",), "files too, not directories only"),
        ("c", "", ("-c",), "a grand total at the end"),
        ("d", "depth", ("-d",), "show so many levels of directories"),
        ("g", "", (), "in GiB"), ("h", "", (), "in K, M, G"), ("k", "", (), "in KiB"), ("m", "", (), "in MiB"),
        ("n", "", ("--no-dump",), "leave out files with the flag nodump"),
        ("r", "", (), "warn of what cannot be read; it always does"),
        ("s", "", ("-s",), "operands only"),
        ("x", "", ("-x",), "stay in one file system"),
    ), t.du, writes=False),
    "df": Program("df", "[file ...]", "Show how full the file system is.", (
        ("a", "", (), "all file systems; there is one"),
        ("G", "", ("--fields",), "all that statvfs says"),
        ("g", "", (), "in GiB"), ("h", "", (), "in K, M, G"),
        ("i", "", ("--inodes-too",), "inodes, too"),
        ("k", "", (), "in KiB"),
        ("l", "", (), "local file systems; it is one"),
        ("m", "", (), "in MiB"),
        ("n", "", (), "without asking; it need not be asked"),
        ("P", "", ("-P",), "one line each"),
        ("t", "type,...", ("--type",), "only file systems of these types"),
    ), t.df, writes=False),
    "diff": Program("diff", "file1 file2", "Compare files or directories.", (
        ("N", "", ("-N",), "a file that is missing is empty"),
        ("q", "", ("-q",), "only whether files differ"),
        ("r", "", ("-r",), "directories with what is below"),
        ("u", "", ("-u",), "show the lines that differ"),
    ), lambda program, given, device: [
        *([] if given.flags else ["-rq"]), *t.files(program, given, device)
    ], writes=False),
    "readlink": Program("readlink", "file ...", "Print where symbolic links lead.", (
        ("f", "format", ("-f",), "as stat -f; before a file: the path with no link left in it"),
        ("F", "", ("-F",), "as stat"), ("L", "", ("-L",), "as stat"), ("l", "", ("-l",), "as stat"),
        ("n", "", ("-n",), "no newline at the end"),
        ("q", "", ("-q",), "say nothing of what is no link; it is so unless -v"),
        ("r", "", ("-r",), "as stat"), ("s", "", ("-s",), "as stat"),
        ("t", "format", ("--time-format",), "as stat"),
        ("v", "", (), "say what is no link"), ("x", "", ("-x",), "as stat"),
    ), t.readlink, writes=False, styles=t.READLINK_STYLES),
    "write": Program("write", "file", "Write standard input to a file.", (
        ("a", "", ("-a",), "append to it"),
    ), t.files),
    "mkfifo": Program("mkfifo", "fifo ...", "Make fifos.", (_MODE,), t.files),
    "mknod": Program("mknod", "name {b | c} major minor | name p", "Make device nodes and fifos.", (
        ("r", "", ("-r",), "replace what is there and is something else"),
        ("R", "", ("-R",), "the same, and correct its owner and mode"),
        ("F", "format", ("-F",), "whose device numbers they are"),
        ("g", "gid", ("-g",), "the group"),
        _MODE,
        ("u", "uid", ("-u",), "the owner"),
    ), t.path_first),
    "exec": Program("exec", "command [argument ...] file", "Run a command of the host on a copy of a file.", (),
                    t.command_first),
    "ecp": Program("cp", "{-g | -p} source ... target", "Copy between an image and the host.", _ECP, t.ecp("")),
    "get": Program("cp", "source ... target", "Copy out of an image.", _ECP, t.ecp("g"), writes=False),
    "put": Program("cp", "source ... target", "Copy into an image.", _ECP, t.ecp("p")),
    "emv": Program("mv", "{-g | -p} source ... target", "Move between an image and the host.", (
        ("d", "", (), "symbolic links as links; they always are"),
        ("g", "", (), "get: out of the image"),
        ("L", "", (), "as -d"),
        ("p", "", (), "put: into the image"),
        ("R", "", (), "directories with all that is in them; they always are"),
        _TOLD,
    ), t.copy("")),
}  # fmt: skip
"""Name without "fsu_" -> the program."""
