# SPDX-License-Identifier: BSD-2-Clause
"""Coming up and going down: boards, command lines, what ends a machine and how it says so."""

import shutil
import subprocess
import sys

import pytest

BOTH = pytest.mark.parametrize("board", ["microvm", "q35"])


@BOTH
def test_the_interpreter_runs(ok, board):
    script = "import os, sys; print(sys.version_info[:2], os.uname().sysname, os.uname().version, sys.argv)"
    assert ok(script, board=board) == "(3, 11) rump metal ['/main.py']\n"


@pytest.mark.parametrize("board", ["microvm,pit=on,rtc=on,acpi=on", "q35"])
def test_it_powers_off_by_acpi(machine, board):
    ended = machine("print('bye')", board=board, arguments=())
    assert (ended.output, ended.closing, ended.status) == ("bye\n", 0, 0)


def test_it_ends_without_acpi(machine):
    ended = machine("print('bye')", board="microvm,pit=on,rtc=on,acpi=off", arguments=())
    assert (ended.output, ended.closing, ended.status) == ("bye\n", 0, 0)


def test_a_traceback_gives_an_exit_status_and_goes_to_the_log(machine):
    ended = machine("print('before')\n1 / 0\n")
    assert (ended.output, ended.closing, ended.status) == ("before\n", 1, 3)
    assert "ZeroDivisionError" in ended.log
    assert 'File "/main.py", line 2' in ended.log


@pytest.mark.parametrize(("status", "passed"), [(7, 7), (127, 127), (200, 127)])
def test_exit_statuses(machine, status, passed):
    ended = machine(f"raise SystemExit({status})")
    assert (ended.closing, ended.status) == (passed, 2 * passed + 1)


def test_halt_ends_the_machine_at_once(machine):
    ended = machine("from rump.rumpuser.bare import _hyper\n_hyper.halt(5)\nprint('never')")
    assert (ended.output, ended.closing) == ("", 5)


def test_one_serial_port_carries_everything(machine, image):
    kernel, module = image
    line = '-- -c "import sys; print(1); sys.stderr.write(str(2))"'
    arguments = ["-kernel", kernel, "-initrd", module, "-append", line]
    command = ["qemu-system-x86_64", "-M", "microvm,pit=on,rtc=on", "-accel", "tcg", "-m", "256M", "-nodefaults"]
    command += ["-display", "none", "-no-reboot", "-serial", "stdio", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert b"metal: the processor has no random numbers" in done.stdout     # not -cpu max
    assert done.stdout.endswith(b"1\n2metal: exit status 0\n")


def test_command_line(ok):
    script = "import os, sys; print(sys.argv[1:], os.environ)"
    line = r"""NAME=value 'TWO=a b' ignored -- -B /main.py x "a \"b" 'c\d' e\ f -- N=1"""
    output = ok(script, line=line)
    assert output == "['x', 'a \"b', 'c\\\\d', 'e f', '--', 'N=1'] environ({'NAME': 'value', 'TWO': 'a b'})\n"


def test_command_line_of_python(ok):
    assert ok(line='-- -c "import rump.kernel; print(rump.kernel.__name__)"') == "rump.kernel\n"


def test_nothing_to_run_prints_the_version(ok):
    assert ok().startswith("Python 3.11")


def test_the_console_reads(machine, image, tmp_path):
    kernel, module = image
    program = "import sys; print(sys.stdin.buffer.read(5), sys.stdin.buffer.readline())"
    arguments = ["-kernel", kernel, "-initrd", module, "-append", f'-- -c "{program}"']
    command = ["qemu-system-x86_64", "-M", "microvm,pit=on,rtc=on", "-accel", "tcg", "-cpu", "max", "-m", "256M"]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", *arguments]
    data = b"\0\r\n\xff\x04" + bytes(range(200, 256)) + b"\n"
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.stdout == f"{data[:5]} {data[5:]}\nmetal: exit status 0\n".encode()


def test_without_a_boot_module(machine, image):
    ended = machine(loader=["-kernel", image[0]])
    assert ended.closing == 125
    assert "metal: panic: no boot module" in ended.log


def test_a_boot_module_without_a_program(machine, image, tmp_path):
    from rump.rumpuser.bare.image import archive

    with open(tmp_path / "other.cpio", "wb") as output:
        archive.write(output, [("main.py", b"")])
    ended = machine(loader=["-kernel", image[0], "-initrd", str(tmp_path / "other.cpio")])
    assert ended.closing == 125
    assert "metal: panic: the boot module has no file python" in ended.log


def test_a_broken_boot_module(machine, image, tmp_path):
    broken = tmp_path / "broken.cpio"
    with open(image[1], "rb") as file:
        broken.write_bytes(file.read(1 << 20))
    ended = machine(loader=["-kernel", image[0], "-initrd", str(broken)])
    assert ended.closing == 125
    assert "metal: panic: boot module: it ends within python" in ended.log


def test_too_little_memory(machine):
    ended = machine("", memory="48M")
    assert ended.closing == 125
    assert "give the machine more" in ended.log


def test_multiboot(machine, image, tmp_path):
    """GRUB starts it as well, from a disk."""
    if not shutil.which("grub-mkrescue") or not shutil.which("xorriso"):
        pytest.skip("no GRUB here: apt-get install grub-common grub-pc-bin xorriso mtools")
    folder = tmp_path / "disk"
    (folder / "boot" / "grub").mkdir(parents=True)
    shutil.copy(image[0], folder / "kernel.elf")
    shutil.copy(image[1], folder / "initrd.cpio")
    (folder / "boot" / "grub" / "grub.cfg").write_text(
        "multiboot2 /kernel.elf 'A=1' -- -c 'import os; print(os.environ[\"A\"])'\nmodule2 /initrd.cpio line\nboot\n"
    )
    disk = tmp_path / "disk.iso"
    subprocess.run(["grub-mkrescue", "-o", disk, folder], check=True, capture_output=True)
    ended = machine(board="q35", loader=["-cdrom", str(disk)])
    assert ended.closing == 0
    assert ended.output.endswith("1\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the image is built on Debian")
def test_the_sources_compile_without_a_warning(image, tmp_path):
    from rump.rumpuser.bare.image import binaries

    for path in binaries.sources(binaries.SOURCES, ".c"):
        command = ["gcc", *binaries.WARNINGS, *binaries.KERNEL_FLAGS, "-Werror", "-Wshadow", "-Wstrict-prototypes"]
        subprocess.run([*command, "-O0", "-c", path, "-o", tmp_path / "out.o"], check=True)
