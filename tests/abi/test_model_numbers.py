# SPDX-License-Identifier: BSD-2-Clause
"""What host models answer to: the numbers of ioctls and the layout of locks are those that the ABI check compares.

A model states them by itself, so that a backend is not measured with its own numbers; the headers decide who is right.
"""

import importlib
import struct

import pytest
from abi_model import LP64, ROOT, load

from rump.conformance.models.system import System

MODELS = ROOT / "tests" / "conformance" / "models"
HOSTS = sorted(path.name.removesuffix("_numbers.py") for path in MODELS.glob("*_numbers.py"))


def model_of(host):
    module = importlib.import_module(f"rump.conformance.models.{host}")
    (kind,) = (
        value for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, System) and value.host == host
    )  # fmt: skip
    return kind()


def abi_of(host, machine):
    return load(ROOT / "rumpuser" / host / "abi.py", LP64, machine)


@pytest.mark.parametrize("host", HOSTS)
def test_ioctls(host):
    model = model_of(host)
    known = {value: name for name, value in vars(abi_of(host, model.machine)).items() if type(value) is int}
    assert sorted(hex(number) for number in model.ioctls if number not in known) == []


@pytest.mark.parametrize("host", HOSTS)
def test_locks(host):
    form, members = model_of(host).flock
    layout = abi_of(host, model_of(host).machine).FLOCK
    assert struct.calcsize(form) == layout.size
    data = struct.pack(form, *range(1, len(members) + 1))
    found = {name: struct.unpack_from(code, data, offset)[0] for name, (offset, code) in layout.fields.items()}
    found.pop("l_pad", None)
    assert found == {f"l_{name}": place for place, name in enumerate(members, 1) if not name.startswith("pad")}
