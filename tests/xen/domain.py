# SPDX-License-Identifier: BSD-2-Clause
"""python tests/xen/domain.py

Our kernel as a domain that a Debian dom0 starts with xl: real xenstore, real blkback and netback, a disk that is a file
of Linux's and a network card whose other end Linux answers at.  In it run the session of disk_session.py, whose
transcript and image must be those of this machine, and e2fsck content, and that of network_session.py.

Debian's root is made by mmdebstrap (as root; packages from the configured mirror) and kept in $RUMP_CACHE, else in
~/.cache/rumpkernel.  The last line says "domain: passed" or "domain: FAILED".
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import disk_session

from rump.rumpuser.bare.image import archive
from rump.servers.machine.description import EMULATOR
from rump.servers.machine.xen import Xen

HERE = Path(__file__).parent
PACKAGES = "linux-image-amd64,xen-utils-4.17,xenstore-utils,e2fsprogs,kmod,mount,iproute2"
LEFT_OUT = ("doc", "man", "locale")
SIZE = "900M"
OURS, ITS = "10.9.0.2", "10.9.0.1"          # addresses of the card's two ends
MAC = "00:16:3e:01:02:03"
ECHOES = 200
CONFIGURATION = f"""name = "rump"
type = "pvh"
kernel = "/guest/kernel.elf"
ramdisk = "/guest/initrd.cpio"
cmdline = "-- /sessions.py"
memory = 512
vcpus = 1
disk = [ "phy:/dev/loop0,xvda,w" ]
vif = [ "mac={MAC},script=/guest/card" ]
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
"""
SESSIONS = f"""import disk_session, network_session
disk_session.session(b"xvda", "ext2fs", print)
network_session.session("{OURS}", "{ITS}", print)
"""
CARD = f"""#!/bin/sh
# What xl runs for a card: the kernel of the first domain answers at its other end.
[ "$1" = online ] || exit 0
ip address add {ITS}/24 dev "$vif"
ip link set "$vif" up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""
START = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin
mkdir -p /guest
mount LABEL=guest /guest
exec /guest/dom0_init
"""
# A dom0 that is not PVH runs under these only: with SMAP, Xen dies under plain emulation when it enters such a guest.
PROCESSOR = "max,-smap,-smep,-pku,-pks,-la57,-erms"
PATIENCE = 900


def cache() -> Path:
    """Where the first domain's disk is kept, by what is in it."""
    told = os.environ.get("RUMP_CACHE")
    folder = Path(told) if told else Path.home() / ".cache" / "rumpkernel"
    what = hashlib.sha256(repr((PACKAGES, LEFT_OUT, SIZE, START)).encode()).hexdigest()[:16]
    return folder / f"xen-first-domain-{what}"


def debian() -> Path:
    """A folder with a Debian root that has Linux and the tool stack, as a disk, and with Linux."""
    made = cache()
    if made.exists():
        return made
    unfinished = made.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    root = unfinished / "root"
    root.mkdir(parents=True)
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    words = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", *options, "bookworm", str(root)]
    subprocess.run(words, check=True)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile(next((root / "boot").glob(f"{name}-*")), unfinished / name)
    program(root / "init", START)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "first", "-d", root, unfinished / "root.img", SIZE], check=True)
    shutil.rmtree(root)
    unfinished.rename(made)
    return made


def program(path: Path, text: str) -> None:
    """A program that is a file of text."""
    path.write_text(text)
    path.chmod(0o755)


def guest(kind: Xen, folder: Path, image: Path) -> None:
    """Our kernel, its module with the sessions in it, the disk: what dom0_init works with."""
    folder.mkdir()
    shutil.copyfile(kind._image()[0], folder / "kernel.elf")
    shutil.copyfile(kind.module(), folder / "initrd.cpio")
    with open(folder / "initrd.cpio", "ab") as output:
        sessions = [(f"{name}.py", (HERE / f"{name}.py").read_bytes()) for name in ("disk_session", "network_session")]
        archive.write(output, [*sessions, ("sessions.py", SESSIONS.encode())])
    shutil.copyfile(image, folder / "disk.img")
    (folder / "configuration").write_text(CONFIGURATION)
    program(folder / "card", CARD)
    program(folder / "dom0_init", (HERE / "dom0_init").read_text())


def start(kind: Xen, first: Path, second: Path) -> str:
    """Run the machine to its end; what was on its console.  `first` has Debian, `second` is the disk with the guest."""
    modules = f"{first}/vmlinuz root=LABEL=first rw init=/init console=hvc0 quiet mitigations=off,{first}/initrd.img"
    words = [
        EMULATOR, "-M", "q35", "-accel", "tcg", "-cpu", PROCESSOR, "-m", "2048", "-nodefaults", "-no-user-config",
        "-display", "none", "-serial", "stdio", "-no-reboot",
        "-drive", f"file={first}/root.img,format=raw,if=none,id=root,snapshot=on",
        "-device", "ide-hd,drive=root,bus=ide.0",
        "-drive", f"file={second},format=raw,if=none,id=guest", "-device", "ide-hd,drive=guest,bus=ide.1",
        "-kernel", kind.hypervisor(), "-append", "com1=115200,8n1 console=com1 dom0_mem=1024M", "-initrd", modules,
    ]  # fmt: skip
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    return ran.stdout.decode("utf-8", "replace").replace("\r", "")


def image(folder: Path) -> Path:
    """A small ext4 file system."""
    tree = folder / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "hello").write_text("hello\n")
    (tree / "large").write_bytes(hashlib.shake_256(b"large").digest(700_001))
    made = folder / "disk.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, made, "16M"], check=True)
    return made


def problems(log: str, said: list[str], digest: str) -> list[str]:
    """What is not as it must be."""
    body = log.partition("guest: begin\n")[2].partition("guest: end\n")[0].splitlines()
    network = [f"we are {MAC}", f"{ECHOES} echoes came back the same", "network: done"]
    wanted = [*said, *network, "metal: exit status 0"]
    found = [] if body == wanted else [f"the guest said {body}, and here it is {wanted}"]
    found += [] if "\ne2fsck: 0\n" in log else ["e2fsck found something"]
    found += [] if f"\n{digest}  -\n" in log else ["the disk is not the one of this machine"]
    return found + ([] if "\nfirst domain: done\n" in log else ["the first domain did not come to its end"])


def main() -> int:
    """The exit status."""
    before, kind = time.monotonic(), Xen()
    with tempfile.TemporaryDirectory(prefix="rump-xen-") as temporary:
        folder = Path(temporary)
        first, made = debian(), image(folder)
        guest(kind, folder / "guest", made)
        said: list[str] = []
        disk_session.session(os.fsencode(made), "ext2fs", said.append)
        second = folder / "guest.img"
        command = ["mke2fs", "-q", "-t", "ext4", "-L", "guest", "-d", folder / "guest", second, "128M"]
        subprocess.run(command, check=True)
        ready = time.monotonic()
        log = start(kind, first, second)
        wrong = problems(log, said, hashlib.sha256(made.read_bytes()).hexdigest())
    if wrong:
        print(log)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"made ready in {ready - before:.0f} s, ran for {time.monotonic() - ready:.0f} s")
    print("domain: FAILED" if wrong else "domain: passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
