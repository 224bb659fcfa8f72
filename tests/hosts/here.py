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


class Metal(Local):
    """A machine with nothing else on it."""

    def __init__(self) -> None:
        super().__init__("metal", "no operating system: x86-64, our own kernel", "bare/metal",
                         "QEMU microvm (TCG), virtio disk and network card")  # fmt: skip

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
