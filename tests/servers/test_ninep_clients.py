# SPDX-License-Identifier: BSD-2-Clause
"""The 9P2000.L server with other people's clients: the Linux kernel's, in User-Mode Linux, and diod's."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rump.fsutils.main import main
from rump.fsutils.operand import parse
from rump.fsutils.session import Session
from rump.servers.listening import Listener
from rump.servers.ninep.export import Export

MODULES = Path("/usr/lib/uml/modules")
WINDOW = 2048           # bytes that may be under way to a serial line
INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/mnt
timeout 90 {command}
echo o > /proc/sysrq-trigger
sleep 60
"""
SCRIPT = """\
tar cf /mnt/tree.tar -C /usr/share/common-licenses .
mkdir tree; tar xf /mnt/tree.tar -C tree
diff -r --no-dereference /usr/share/common-licenses tree
mkdir -p dir/sub; cd dir
printf hello > a; ln a hard; ln -s a soft; mkfifo fifo; mknod null c 1 3
mv a sub/moved; cat hard sub/moved; echo
chmod 4751 hard; chown 5:6 hard; chmod u+s hard
touch -d '2001-09-09 01:46:40.123456789 UTC' hard
setfattr -n user.kept -v value hard; setfattr -n user.gone -v x hard; setfattr -x user.gone hard
getfattr --only-values -n user.kept hard; echo
stat -c '%i %h %u:%g %a %s %Y' hard
dd if=/dev/zero of=sparse bs=1 count=1 seek=3M status=none; truncate -s 5M sparse; stat -c %s sparse
dd if=/dev/urandom of=random bs=64k count=32 conv=fsync status=none; sha256sum < random
python3 -c '
import os
fd = os.open("open", os.O_RDWR | os.O_CREAT, 0o600)
os.unlink("open"); os.write(fd, b"still"); print(os.pread(fd, 9, 0), os.fstat(fd).st_nlink)'
flock hard true
for n in $(seq 100); do : > sub/file$n; done; ls sub | wc -l
rm -r sub; ls -1A
cat missing || echo refused
df --output=fstype . | tail -1
"""


@contextmanager
def exported(image: Path) -> Iterator[Export]:
    """An image, written to while it is exported."""
    with Session() as session:
        operand = parse(str(image), image_by_default=True)
        session.writes_to(operand)
        lines: list[str] = []
        yield Export(session.resolve(operand)[0], log=lines.append)
        assert not lines


@pytest.fixture
def image(tmp_path: Path) -> Path:
    image = tmp_path / "x.img"
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("contents\n")
    (tree / "sub").mkdir()
    (tree / "sub/name").write_text("deeper\n")
    assert main(["mkfs", "-q", "-t", "ext4", "-d", str(tree), str(image), "48M"]) == 0
    return image


def forward(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward_paced(source: socket.socket, target: socket.socket, acknowledgements: socket.socket) -> None:
    """No more than WINDOW bytes at a time that were not acknowledged."""
    under_way, pending = 0, b""
    try:
        while data := source.recv(WINDOW - under_way):
            target.sendall(data)
            under_way += len(data)
            while under_way == WINDOW:
                pending += acknowledgements.recv(4096)
                while len(pending) >= 2:
                    under_way -= int.from_bytes(pending[:2], "little")
                    pending = pending[2:]
    except OSError:
        pass


def in_linux(export: Export, options: str, script: Path, folder: Path) -> str:
    """Run a script in a mount of the export; what it says."""
    init = folder / "init"
    guest = Path(__file__).with_name("ninep_guest.py")
    command = shlex.join([os.path.realpath(sys.executable), str(guest), "/mnt/image", options, str(script)])
    init.write_text(INIT.format(command=command))
    init.chmod(0o755)
    pairs = [socket.socketpair() for _ in range(3)]
    (server, near), (far, line), (acknowledgements, second) = pairs
    threads = [
        threading.Thread(target=export.serve, args=(server, "linux")),
        threading.Thread(target=forward, args=(far, near)),
        threading.Thread(target=forward_paced, args=(near, far, acknowledgements)),
    ]
    for thread in threads:
        thread.start()
    try:
        done = subprocess.run(
            ["linux.uml", "mem=256M", "rootfstype=hostfs", "rootflags=/", "root=/dev/root", "ro", f"init={init}",
             "con=null", "con0=null,fd:1", f"ssl0=fd:{line.fileno()}", f"ssl1=fd:{second.fileno()}", "quiet"],
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "HOME": str(folder)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[line.fileno(), second.fileno()], timeout=120,
            check=False,
        )  # fmt: skip
    finally:
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for thread in threads:
            thread.join(30)
        for pair in pairs:
            for end in pair:
                end.close()
    return done.stdout.decode(errors="replace").replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("linux.uml") or not MODULES.is_dir(), reason="needs user-mode-linux")
def test_the_linux_kernels_client(image, tmp_path, capfdbinary):
    script = tmp_path / "script"
    script.write_text(SCRIPT)
    with exported(image) as export:
        said = in_linux(export, "msize=32768,access=user", script, tmp_path)
        assert "status 0" in said, said
        for line in ("hellohello", "value", "5242880", "b'still' 0", "101", "refused", "9p"):
            assert line in said.splitlines(), (line, said)
        assert sorted(said.splitlines()).count("hard") == 1
    status = next(line for line in said.splitlines() if line.endswith(" 1000000000") and " 5:6 " in line)
    number, links, owner, mode, size, _ = status.split()
    assert (links, owner, mode, size) == ("2", "5:6", "4751", "5")
    digest = next(line for line in said.splitlines() if line.endswith("  -"))
    assert main(["stat", "-c", "%i %h %u:%g %a %s", f"{image}:/dir/hard"]) == 0
    assert main(["sum", "-a", "sha256", f"{image}:/dir/random"]) == 0
    told = capfdbinary.readouterr().out.decode()
    assert digest.split()[0] in told
    assert subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, check=False).returncode == 0
    assert told.split()[0] == number


@pytest.mark.skipif(not shutil.which("diodls", path="/usr/sbin:/usr/bin"), reason="needs diod")
def test_diods_clients(image):
    with exported(image) as export:
        listener = Listener("127.0.0.1:0", export.serve)
        listener.start()
        try:
            def run(tool: str, *arguments: str) -> str:
                command = [f"/usr/sbin/{tool}", "-s", listener.address, "-a", "/", "-u", "0", *arguments]
                done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
                assert done.returncode == 0, done.stderr
                return done.stdout

            assert set(run("diodls").split()) >= {"file", "sub"}
            assert "contents" in run("diodcat", "file")
            assert run("diodcat", "sub/name") == "deeper\n"
        finally:
            listener.close()
