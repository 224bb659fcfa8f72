# SPDX-License-Identifier: BSD-2-Clause
"""Hosts that this interpreter runs itself: its own, the ones without a system, the modelled ones."""

from __future__ import annotations

import importlib

from running import Here


class Local(Here):
    """A host of this name in rump.conformance."""

    def __init__(self, name: str, title: str, backend: str, how: str) -> None:
        self.suite_host = name
        self.title = title
        self.backend = backend
        self.how = how


class Emulated(Local):
    """A machine with nothing but our own kernel on it, or under it."""

    def kernel(self) -> str:
        return f"under QEMU on {super().kernel()}"


class Simulated(Local):
    """A backend on the model of its system.

    documents   what the model follows
    """

    def __init__(self, name: str) -> None:
        module = importlib.import_module(f"rump.conformance.models.{name}")
        title, _, text = (module.__doc__ or "").partition("\n\n")
        super().__init__(f"simulated-{name}", title.strip().rstrip("."), name, "the backend's own modules on a model")
        self.documents = " ".join(text.split()).removeprefix("Documents: ")
