# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the host as clients: what they do below /rump is what they do to an ext4 image; e2fsck looks at it."""

import ctypes
import errno
import os
import pathlib
import shutil
import subprocess

import pytest
from served import Served

from rump.rumpuser.interface import errno as e
from rump.servers import hijack

PASSWD = pathlib.Path("/etc/passwd").read_text()
pytestmark = pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="no mkfs.ext4")


@pytest.fixture(scope="module")
def library():
    try:
        return hijack.library()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "x.img"
    with open(path, "wb") as file:
        file.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    return path


@pytest.fixture
def run(library, image, tmp_path):
    """Runs a program whose /rump/x is the root of the image; at the end e2fsck finds it sound."""
    address = f"unix://{tmp_path}/server"
    with Served(address.encode()) as served:
        served.kernel.etfs_register(b"/dev/disk", os.fsencode(image), read_only=False)
        served.kernel.lwp.mkdir(b"/x", 0o755)
        served.kernel.lwp.mount("", b"/x", 0, b"/dev/disk")
        before = served.processes()

        def run(*command, status=0, **more):
            environment = hijack.environment(address, {**os.environ, "LC_ALL": "C", "TZ": "UTC"})
            result = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False, **more
            )
            assert result.returncode == status, (command, result.stdout, result.stderr)
            return result.stdout if status == 0 else result.stderr

        yield run
        served.until(lambda: served.processes() == before, "the clients' ends")
        assert served.log == []
    checked = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def tree(tmp_path):
    """Files of every kind that a user may make."""
    top = tmp_path / "tree"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "one").write_text("hi\n")
    os.link(top / "a" / "one", top / "a" / "two")
    os.symlink("one", top / "a" / "link")
    (top / "a" / "b" / "big").write_bytes(bytes(range(251)) * 9000)
    with open(top / "sparse", "wb") as file:
        file.truncate(5 << 20)
    os.chmod(top / "a" / "one", 0o640)
    os.utime(top / "a" / "one", ns=(10**18, 981173106_700000000))
    return top


def test_errno_numbers(library):
    """The library's table is the one errno space by name."""
    translate = ctypes.CDLL(library).rump_hijack_errno
    for name, number in vars(e).items():
        if name.startswith("E") and isinstance(number, int) and name != "ENOATTR":
            assert translate(number) == getattr(errno, name, errno.EIO), name
    assert translate(e.ENOATTR) == errno.ENODATA
    assert translate(-5) == translate(10**6) == errno.EIO


def test_ls_cat_and_errors(run):
    assert run("ls", "/rump/x").split() == ["lost+found"]
    assert run("ls", "-a", "/rump").split() == [".", "..", "dev", "tmp", "x"]
    run("cp", "/etc/passwd", "/rump/x/passwd")
    assert run("cat", "/rump/x/passwd") == PASSWD
    assert "No such file or directory" in run("cat", "/rump/x/nothing", status=1)
    assert "Is a directory" in run("cat", "/rump/x", status=1)
    run("ls", "/rumpx", status=2)       # not below the prefix
    assert run("stat", "-c", "%s %F", "/rump/x/passwd") == f"{os.path.getsize('/etc/passwd')} regular file\n"


def test_cp_and_tar_keep_what_files_have(run, tree, tmp_path):
    run("cp", "-a", str(tree), "/rump/x/")
    run("diff", "-r", str(tree), "/rump/x/tree")
    found = run("stat", "-c", "%n %a %h %s %.9Y %F", "/rump/x/tree/a/one", "/rump/x/tree/a/link").splitlines()
    assert found[0] == "/rump/x/tree/a/one 640 2 3 981173106.700000000 regular file"
    assert found[1].endswith("symbolic link")
    assert run("stat", "-c", "%b", "/rump/x/tree/sparse") == "0\n"
    run("tar", "-C", "/rump/x", "-cf", "out.tar", "tree")
    run("mkdir", "/rump/x/again")
    run("tar", "-C", "/rump/x/again", "-xpf", "out.tar")
    run("diff", "-r", str(tree), "/rump/x/again/tree")
    run("mv", "/rump/x/again/tree", "back")
    assert (tmp_path / "back" / "a" / "two").stat().st_nlink == 2
    run("rm", "-r", "/rump/x/again", "/rump/x/tree")
    assert run("find", "/rump/x", "-type", "f") == ""


def test_shells_fork_exec_and_redirect(run):
    script = """
        cd /rump/x && pwd && echo new > three && cat < three && (echo sub; cat three) && /bin/pwd
        sort < /etc/passwd > sorted; sort -c sorted; sort < sorted | head -n 1
        cat sorted | grep -c root
        sed -i s/root/boot/ sorted; grep -c boot /rump/x/sorted
        cd / && pwd
    """
    first = sorted(PASSWD.splitlines())[0]
    expected = ["/rump/x", "new", "sub", "new", "/rump/x", first, "1", "1", "/"]
    assert [line for line in run("sh", "-c", script).splitlines() if line] == expected
    bash = "exec 5>/rump/x/five; echo five >&5; exec 5>&-; cat /rump/x/five; for f in /rump/x/f*; do echo $f; done"
    assert run("bash", "-c", bash).split() == ["five", "/rump/x/five"]


def test_python(run):
    code = """
import glob, os, shutil, subprocess, tempfile
os.chdir('/rump/x')
assert os.getcwd() == '/rump/x' and os.path.realpath('../x/./q') == '/rump/x/q'
with open('text', 'w') as file:
    file.write('line\\n' * 1000)
assert os.stat('text').st_size == len(open('/rump/x/text').read()) == 5000
os.symlink('./text', 'link')
assert os.path.realpath('/rump/x/./link') == '/rump/x/text' and os.path.samefile('link', 'text')
os.mkdir('d'); os.rename('text', 'd/text'); shutil.copytree('d', 'e')
assert sorted(glob.glob('/rump/x/?')) == ['/rump/x/d', '/rump/x/e']
assert [entry.name for entry in os.scandir('d') if entry.is_file()] == ['text']
with open('d/text', 'r+b') as file:
    file.seek(10); file.write(b'HERE'); file.truncate(20); os.fsync(file.fileno())
    assert os.pread(file.fileno(), 6, 9) == b'\\nHERE\\n'
os.setxattr('d/text', 'user.colour', b'red')
assert os.listxattr('d/text') == ['user.colour'] and os.getxattr('d/text', 'user.colour') == b'red'
assert subprocess.run(['wc', '-c', 'd/text'], capture_output=True, text=True).stdout == '20 d/text\\n'
descriptor, name = tempfile.mkstemp(dir='/rump/x'); os.close(descriptor); os.unlink(name)
pid = os.fork()
if pid == 0:
    open('/rump/x/child', 'w').close(); os._exit(0)
assert os.waitpid(pid, 0)[1] == 0 and os.path.exists('child')
shutil.rmtree('d'); shutil.rmtree('e')
print(sorted(os.listdir('.')))
"""
    assert run(shutil.which("python3"), "-I", "-S", "-c", code) == "['child', 'link', 'lost+found']\n"


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3")
def test_sqlite(run):
    run("sqlite3", "/rump/x/db", "create table t(a, b); insert into t values(1, 'x'), (2, 'y');")
    assert run("sqlite3", "/rump/x/db", "select * from t; pragma integrity_check;") == "1|x\n2|y\nok\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_git(run):
    run("git", "init", "-q", "/rump/x/repository")
    run("sh", "-c", "echo 1 > /rump/x/repository/file")
    run("git", "-C", "/rump/x/repository", "add", "file")
    user = ("-c", "user.name=n", "-c", "user.email=e")
    run("git", "-C", "/rump/x/repository", *user, "commit", "-qm", "first")
    assert run("git", "-C", "/rump/x/repository", "log", "--format=%s").strip() == "first"
    run("git", "-C", "/rump/x/repository", "fsck", "--strict")


def test_a_server_that_is_gone(library, tmp_path):
    environment = hijack.environment(f"unix://{tmp_path}/none", os.environ)
    result = subprocess.run(["ls", "/rump"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0 and "the server does not answer" in result.stderr
    assert subprocess.run(["ls", "/"], env=environment, capture_output=True, timeout=60, check=False).returncode == 0


def test_environment(library):
    made = hijack.environment("unix://socket", {"LD_PRELOAD": "/lib/other.so", "HOME": "/"}, "/images")
    assert made["LD_PRELOAD"] == f"{library} /lib/other.so" and made["HOME"] == "/"
    assert made["RUMP_SERVER"] == f"unix://{os.getcwd()}/socket" and made["RUMPHIJACK"] == "path=/images"
    for prefix in ("", "/", "x", "/a,b"):
        with pytest.raises(OSError, match="not a prefix"):
            hijack.environment("unix:///s", {}, prefix)
