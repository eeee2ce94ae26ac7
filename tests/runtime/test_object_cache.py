"""Object code on disk: whole or not at all, bounded, and nothing foreign is ever run."""

from __future__ import annotations

import ctypes
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.support import aarch64_object, answer_of_child, linux, own_loader
from tricord import settings
from tricord.compiler.target import TARGETS, host_target
from tricord.runtime.native import machine as machines
from tricord.runtime.native import object_cache
from tricord.runtime.native.machine import code_of, loaded
from tricord.runtime.native.object_cache import keep, key_of, lookup

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with settings.override(cache=tmp_path / "cache"):
        yield tmp_path / "cache" / "objects"


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


KEY = key_of(["a", "b"])


def test_what_is_kept_is_found(folder):
    assert lookup(KEY) is None
    for payload in (b"", b"x", bytes(range(256)) * 100):
        keep(KEY, payload)
        assert lookup(KEY) == payload
    assert files(folder) == [KEY]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 or os.name != "posix"


def test_keys_tell_parts_apart():
    keys = [key_of(p) for p in (["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"], [], [""])]
    assert len(set(keys)) == len(keys) and all(len(k) == 64 for k in keys)


def test_without_a_folder_nothing_is_kept(tmp_path):
    with settings.override(cache=None):
        keep(KEY, b"x")
        assert lookup(KEY) is None


def damaged(data: bytes) -> Iterator[bytes]:
    yield from (b"", data[:1], data[:40], data[:-1], data + b"\0", b"\0" + data[1:])
    yield from (data[:n] + bytes([data[n] ^ 1]) + data[n + 1:] for n in range(0, len(data), 7))
    yield b"something else altogether\n" * 30


def test_damage_is_seen_removed_and_written_anew(folder):
    keep(KEY, b"payload" * 5)
    data = (folder / KEY).read_bytes()
    for other in damaged(data):
        (folder / KEY).write_bytes(other)
        assert lookup(KEY) is None
        assert files(folder) == []
        keep(KEY, b"payload" * 5)
        assert lookup(KEY) == b"payload" * 5


def test_a_file_under_another_key_is_not_taken(folder):
    keep(KEY, b"payload")
    other = key_of(["other"])
    (folder / KEY).rename(folder / other)
    assert lookup(other) is None and files(folder) == []


@posix
def test_what_others_could_have_written_is_not_run(folder):
    keep(KEY, b"payload")
    for mode in (0o770, 0o707, 0o777):
        folder.chmod(mode)
        assert lookup(KEY) is None
        keep(key_of(["new"]), b"x")
        assert files(folder) == [KEY]
    folder.chmod(0o700)
    assert lookup(KEY) == b"payload"
    for mode in (0o660, 0o606):
        (folder / KEY).chmod(mode)
        assert lookup(KEY) is None


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give away")
def test_what_belongs_to_others_is_not_run(folder):
    keep(KEY, b"payload")
    os.chown(folder / KEY, 12345, -1)
    assert lookup(KEY) is None
    keep(KEY, b"payload")
    os.chown(folder, 12345, -1)
    assert lookup(KEY) is None


@posix
def test_what_is_no_file_is_neither_followed_nor_waited_for(folder, tmp_path):
    keep(KEY, b"payload")
    (folder / KEY).rename(tmp_path / "elsewhere")
    (folder / KEY).symlink_to(tmp_path / "elsewhere")
    assert lookup(KEY) is None
    (folder / KEY).unlink()
    os.mkfifo(folder / KEY)
    assert lookup(KEY) is None
    (folder / KEY).unlink()
    (folder / KEY).mkdir()
    assert lookup(KEY) is None
    keep(KEY, b"payload")  # cannot take its place, and leaves nothing behind
    assert files(folder) == [KEY]


def test_a_folder_that_cannot_be_made_is_harmless(tmp_path):
    (tmp_path / "file").write_text("")
    for cache in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing")):
        with settings.override(cache=cache):
            keep(KEY, b"payload")
            assert lookup(KEY) is None
            assert code_of("define i64 @f() { ret i64 1 }", host_target())


@linux
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes nobody")
def test_a_folder_that_cannot_be_written_to_is_harmless():
    def as_nobody() -> list[bool]:
        os.setuid(65534)
        new = key_of(["new"])
        keep(new, b"x")
        return [lookup(KEY) == b"payload", lookup(new) is None]

    with tempfile.TemporaryDirectory() as top, settings.override(cache=Path(top)):
        keep(KEY, b"payload")
        folder = Path(top) / "objects"
        folder.chmod(0o555)
        for path in (Path(top), folder, folder / KEY):
            os.chown(path, 65534, -1)
        assert answer_of_child(as_nobody) == [True, True]
        assert files(folder) == [KEY]


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    keep(KEY, b"payload")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(object_cache.os, "replace", full)
    keep(key_of(["new"]), b"x")
    assert files(folder) == [KEY]


def test_the_least_recently_used_go_first(folder, monkeypatch):
    monkeypatch.setattr(object_cache, "_LOOK_EVERY", 1)
    monkeypatch.setattr(object_cache, "_LIMIT", 5000)
    keys = [key_of([str(i)]) for i in range(12)]
    for i, key in enumerate(keys):
        keep(key, bytes(800))
        os.utime(folder / key, (1000 + i, 1000 + i))
        if i >= 1:
            assert lookup(keys[0]) is not None  # used, so it stays
            os.utime(folder / keys[0], (1000 + i, 1000 + i))
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 5000
    assert lookup(keys[0]) is not None and lookup(keys[-1]) is not None
    assert lookup(keys[1]) is None and len(files(folder)) == 5


def test_a_lookup_counts_as_a_use(folder):
    keep(KEY, b"payload")
    os.utime(folder / KEY, (1000, 1000))
    lookup(KEY)
    assert time.time() - (folder / KEY).stat().st_mtime < 100


@linux
def test_many_processes_at_once(folder):
    keys = {key_of([str(i)]): str(i).encode() * 2000 for i in range(6)}

    def work() -> int:
        wrong = 0
        for _ in range(20):
            for key, payload in keys.items():
                found = lookup(key)
                wrong += found not in (None, payload)
                keep(key, payload)
        return wrong

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(answer_of_child(work)))
               for _ in range(4)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_cache, "_folder", lambda: folder)  # settings are each thread's own
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [0] * 4
    assert files(folder) == sorted(keys)
    assert all(lookup(key) == payload for key, payload in keys.items())


# ---- what is kept are modules

SEVEN = "define i64 @f() { ret i64 7 }"


def value(text: str) -> int:
    image = loaded(text, host_target(), {})
    return ctypes.CFUNCTYPE(ctypes.c_int64)(image.address("f"))()


def test_a_module_is_assembled_once(folder, monkeypatch):
    assert value(SEVEN) == 7
    monkeypatch.setattr(machines, "assemble", lambda *_: pytest.fail("assembled again"))
    assert value(SEVEN) == 7
    assert len(files(folder)) == 1


def test_every_target_and_compiler_has_code_of_its_own(folder, monkeypatch):
    for target in TARGETS.values():
        code_of(SEVEN, target)
    assert len(files(folder)) == len(TARGETS)
    assert "llvmlite" in machines._compiler() or "version" in machines._compiler()
    monkeypatch.setattr(machines, "_compiler", lambda: "another version")
    code_of(SEVEN, host_target())
    assert len(files(folder)) == len(TARGETS) + 1


@own_loader
@pytest.mark.parametrize("content", [b"", b"no object file", aarch64_object])
def test_code_for_another_processor_is_assembled_anew(folder, content):
    key = machines._key(SEVEN, host_target())
    keep(key, content() if callable(content) else content)
    assert value(SEVEN) == 7
    assert lookup(key) == code_of(SEVEN, host_target())
    assert np.frombuffer(lookup(key)[18:20], np.uint16) == 62
