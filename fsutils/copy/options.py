# SPDX-License-Identifier: BSD-2-Clause
"""What a copy is to keep of each file, and by which rules it goes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NEVER, COMMAND_LINE, ALWAYS = range(3)
"""Which symbolic links of the source are followed: none (-P), those named as operands (-H), all (-L)."""

OVERWRITE, NO_CLOBBER, UPDATE = range(3)
"""What becomes of a file that is there already: replaced; left alone (-n); replaced by a newer one only (-u)."""

KEEP_HOLES, MAKE_HOLES, NO_HOLES = range(3)
"""--sparse=auto, always and never."""


class Keep:
    """What is kept of each file besides its contents.

    mode     permissions, with the set-id and sticky bits
    owner    user and group, as far as the host lets us
    times    access and modification times, in nanoseconds
    links    several names of one file stay names of one file
    xattrs   extended attributes
    strict   an extended attribute that the target refuses is an error, not passed over in silence
    sparse   `KEEP_HOLES`, `MAKE_HOLES` or `NO_HOLES`
    """

    __slots__ = ("links", "mode", "owner", "sparse", "strict", "times", "xattrs")

    def __init__(
        self,
        *,
        mode: bool = False,
        owner: bool = False,
        times: bool = False,
        links: bool = False,
        xattrs: bool = False,
        strict: bool = False,
        sparse: int = KEEP_HOLES,
    ) -> None:
        self.mode = mode
        self.owner = owner
        self.times = times
        self.links = links
        self.xattrs = xattrs
        self.strict = strict
        self.sparse = sparse


class Rules:
    """How the copier goes about it.

    recursive    directories are copied with what is in them
    follow       `NEVER`, `COMMAND_LINE` or `ALWAYS`
    existing     `OVERWRITE`, `NO_CLOBBER` or `UPDATE`
    one_volume   what is mounted below the source is left out (-x)
    agree        asked by its path whether a file may be replaced (-i); None: it may
    """

    __slots__ = ("agree", "existing", "follow", "one_volume", "recursive")

    def __init__(
        self,
        *,
        recursive: bool = True,
        follow: int = NEVER,
        existing: int = OVERWRITE,
        one_volume: bool = False,
        agree: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.recursive = recursive
        self.follow = follow
        self.existing = existing
        self.one_volume = one_volume
        self.agree = agree


def archive(sparse: int = KEEP_HOLES) -> Keep:
    """Everything, as ``cp -a`` keeps it."""
    return Keep(mode=True, owner=True, times=True, links=True, xattrs=True, sparse=sparse)
