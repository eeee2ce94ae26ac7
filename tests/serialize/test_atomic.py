"""Files are the old content or the new, whatever happens in between."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tricord.errors import ArgumentError, FileFormatError
from tricord.serialize.atomic import atomic_write


def test_bytes_are_written_and_nothing_else_is_left_behind(tmp_path):
    target = tmp_path / "a.bin"
    atomic_write(target, b"one")
    atomic_write(str(target), memoryview(b"two"))
    assert target.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_function_may_seek_and_patch_what_it_wrote(tmp_path):
    def content(file):
        file.write(b"????body")
        file.seek(0)
        file.write(b"head")

    atomic_write(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == b"headbody"


def test_a_failing_writer_keeps_the_old_file_and_removes_its_own(tmp_path):
    target = tmp_path / "a"
    atomic_write(target, b"old")

    def content(file):
        file.write(b"half of")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        atomic_write(target, content)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failing_verification_keeps_the_old_file(tmp_path):
    target = tmp_path / "a"
    atomic_write(target, b"old")
    seen = []

    def verify(path):
        with open(path, "rb") as file:
            seen.append(file.read())
        raise FileFormatError("not right")

    with pytest.raises(FileFormatError, match="not right"):
        atomic_write(target, b"new", verify=verify)
    assert seen == [b"new"]
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_object_is_written_to_directly():
    file = io.BytesIO()
    atomic_write(file, b"abc")
    atomic_write(file, lambda f: f.write(b"def"))
    assert file.getvalue() == b"abcdef"


def test_something_that_is_no_file_is_refused_by_name():
    with pytest.raises(ArgumentError, match="expected a path or a binary file object, got int"):
        atomic_write(3, b"abc")


def test_a_missing_folder_and_a_folder_as_target_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder to write into does not exist"):
        atomic_write(tmp_path / "no" / "a", b"")
    with pytest.raises(IsADirectoryError, match="over a folder"):
        atomic_write(tmp_path, b"")


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and links")
def test_mode_and_links_survive(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_long_name_still_fits(tmp_path):
    target = tmp_path / ("n" * 250)
    atomic_write(target, b"x")
    assert target.read_bytes() == b"x"


@pytest.mark.skipif(os.name == "nt", reason="needs locks")
def test_a_dead_writers_leftover_goes_and_a_living_writers_stays(tmp_path):
    target = tmp_path / "a"
    dead = tmp_path / ".a.tricord-0123456789ab"
    dead.write_bytes(b"half")
    other = tmp_path / ".b.tricord-0123456789ab"
    other.write_bytes(b"of another file")

    def content(file):
        file.write(b"outer")
        atomic_write(target, b"inner")  # while this one is being written

    atomic_write(target, content)
    assert target.read_bytes() == b"outer"
    assert sorted(os.listdir(tmp_path)) == [".b.tricord-0123456789ab", "a"]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_kill_9_at_any_moment_leaves_the_old_or_the_new_file(tmp_path):
    target = tmp_path / "a"
    program = textwrap.dedent("""
        import sys
        from tricord.serialize.atomic import atomic_write
        count = int(sys.argv[2])
        print("ready", flush=True)
        while True:
            count += 1
            atomic_write(sys.argv[1], lambda f: [f.write(b"%08d" % count) for _ in range(20000)])
    """)
    repository = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    last = 0
    for milliseconds in (7, 23, 41, 60, 85, 110):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(target), str(last)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": repository})
        child.stdout.readline()
        time.sleep(milliseconds / 1000)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 160_000
            assert content == content[:8] * 20000
            assert int(content[:8]) >= last
            last = int(content[:8])
    assert last > 0
    atomic_write(target, b"after")
    assert os.listdir(tmp_path) == ["a"]
