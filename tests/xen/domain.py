# SPDX-License-Identifier: BSD-2-Clause
"""python tests/xen/domain.py

Our kernel as a domain that a Debian dom0 starts with xl: real xenstore, real blkback, a disk that is a file of Linux's.
The session of disk_session.py runs in it; transcript and image must be those of this machine, and e2fsck content.

Debian's root is made by mmdebstrap (as root; packages from the configured mirror).
The last line says "domain: passed" or "domain: FAILED".
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
PACKAGES = "linux-image-amd64,xen-utils-4.17,e2fsprogs,kmod,mount"
LEFT_OUT = ("doc", "man", "locale")
SIZE = "900M"
CONFIGURATION = """name = "rump"
type = "pvh"
kernel = "/guest/kernel.elf"
ramdisk = "/guest/initrd.cpio"
cmdline = "-- /session.py xvda ext2fs"
memory = 512
vcpus = 1
disk = [ "phy:/dev/loop0,xvda,w" ]
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
"""
# A dom0 that is not PVH runs under these only: with SMAP, Xen dies under plain emulation when it enters such a guest.
PROCESSOR = "max,-smap,-smep,-pku,-pks,-la57,-erms"
PATIENCE = 900


def debian(folder: Path) -> None:
    """A Debian root with Linux and the tool stack."""
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    words = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", *options, "bookworm", str(folder)]
    subprocess.run(words, check=True)


def guest(kind: Xen, root: Path, image: Path) -> None:
    """Our kernel, its module with the session in it, the disk: where dom0_init looks for them."""
    folder = root / "guest"
    folder.mkdir()
    shutil.copyfile(kind._image()[0], folder / "kernel.elf")
    shutil.copyfile(kind.module(), folder / "initrd.cpio")
    with open(folder / "initrd.cpio", "ab") as output:
        archive.write(output, [("session.py", Path(disk_session.__file__).read_bytes())])
    shutil.copyfile(image, folder / "disk.img")
    (folder / "configuration").write_text(CONFIGURATION)
    shutil.copyfile(HERE / "dom0_init", root / "init")
    (root / "init").chmod(0o755)


def start(kind: Xen, folder: Path) -> str:
    """Run the machine to its end; what was on its console."""
    modules = f"{folder}/vmlinuz root=/dev/sda rw init=/init console=hvc0 quiet mitigations=off,{folder}/initrd.img"
    words = [
        EMULATOR, "-M", "q35", "-accel", "tcg", "-cpu", PROCESSOR, "-m", "2048", "-nodefaults", "-no-user-config",
        "-display", "none", "-serial", "stdio", "-no-reboot",
        "-drive", f"file={folder}/root.img,format=raw,if=none,id=root", "-device", "ide-hd,drive=root,bus=ide.0",
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
    wanted = [*said, "metal: exit status 0"]
    found = [] if body == wanted else [f"the guest said {body}, and here it is {wanted}"]
    found += [] if "\ne2fsck: 0\n" in log else ["e2fsck found something"]
    found += [] if f"\n{digest}  -\n" in log else ["the disk is not the one of this machine"]
    return found + ([] if "\nfirst domain: done\n" in log else ["the first domain did not come to its end"])


def main() -> int:
    """The exit status."""
    before, kind = time.monotonic(), Xen()
    with tempfile.TemporaryDirectory(prefix="rump-xen-") as temporary:
        folder = Path(temporary)
        root = folder / "root"
        debian(root)
        made = image(folder)
        guest(kind, root, made)
        said: list[str] = []
        disk_session.session(os.fsencode(made), "ext2fs", said.append)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copyfile(next((root / "boot").glob(f"{name}-*")), folder / name)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, folder / "root.img", SIZE], check=True)
        shutil.rmtree(root)
        ready = time.monotonic()
        log = start(kind, folder)
        wrong = problems(log, said, hashlib.sha256(made.read_bytes()).hexdigest())
    if wrong:
        print(log)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"made ready in {ready - before:.0f} s, ran for {time.monotonic() - ready:.0f} s")
    print("domain: FAILED" if wrong else "domain: passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
