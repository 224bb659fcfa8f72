# SPDX-License-Identifier: BSD-2-Clause
"""The bodies, by topic.  Those marked `reading` find the standard tree; the others an empty file system to write to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.drivers import Subject
    from rump.conformance.scenario import Body

TOPICS = (
    "names", "unusual", "errors", "rename", "moves", "nodes", "links", "directories", "listings", "permissions",
    "guards", "times", "changes", "data", "sizes", "holes", "writing", "filling", "space", "xattrs", "attributes",
    "special", "descriptors", "pipes", "poll", "processes", "interleaved", "mounts", "readonly", "unwritable",
)  # fmt: skip


def collect() -> dict[str, Body]:
    """All bodies as "topic_name", in the order written."""
    found: dict[str, Body] = {}
    for topic in TOPICS:
        name = f"rump.conformance.bodies.{topic}"
        module = __import__(name, fromlist=["*"])
        for function, value in vars(module).items():
            if callable(value) and not function.startswith("_") and value.__module__ == name:
                found[f"{topic}_{function}"] = value
    return found


def suited(subject: Subject, bodies: dict[str, Body]) -> dict[str, Body]:
    """Those that make sense for a file system: what cannot be written to is only read."""
    return {name: body for name, body in bodies.items() if reads(body) or not subject.read_only}


def interleaves(body: Body) -> bool:
    """Whether a body is marked `interleaving`."""
    return getattr(body, "interleaves", False)


def reads(body: Body) -> bool:
    """Whether a body is marked `reading`."""
    return getattr(body, "reads", False)
