"""The real data sets: the embedded digits, the files of the mirror, downloads that go wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import urllib.error

import numpy as np
import pytest

from tricord import settings
from tricord.data import real
from tricord.data.sources import SOURCES, DownloadError, Source, _open_url, read_source
from tricord.errors import ArgumentError, FileFormatError

# ------------------------------------------------------------------------------------- the digits


def test_digits_are_split_by_class_and_scaled():
    (x_train, y_train), (x_test, y_test) = real.load_digits()
    assert x_train.shape == (1438, 8, 8) and x_test.shape == (359, 8, 8)
    assert x_train.dtype == np.float32 and y_train.dtype == np.int64
    assert x_train.min() == 0 and x_train.max() == 1
    share = np.bincount(y_test) / (np.bincount(y_test) + np.bincount(y_train))
    assert np.abs(share - 0.2).max() < 0.005
    x_train[:] = 9  # the next caller gets its own
    assert real.load_digits()[0][0].max() == 1


def test_digits_are_those_of_scikit_learn():
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    (x_train, y_train), (x_test, y_test) = real.load_digits()
    ours = np.concatenate([x_train, x_test]).reshape(-1, 64) * 16
    labels = np.concatenate([y_train, y_test])
    rows = np.column_stack([ours, labels])
    expected = np.column_stack([theirs.data, theirs.target])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])


def test_digits_are_documented_beside_the_file():
    folder = os.path.dirname(real.__file__)
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        text = file.read()
    assert "CC BY 4.0" in text and "10.24432/C50P49" in text
    assert os.path.getsize(os.path.join(folder, "digits.npz")) < 60_000


# ------------------------------------------------------------------------------------- the mirror


def test_mnist(data_file):
    data_file("mnist/train-images-idx3-ubyte.gz")
    (x_train, y_train), (x_test, y_test) = real.load_mnist()
    assert x_train.shape == (60_000, 28, 28) and x_test.shape == (10_000, 28, 28)
    assert x_train.dtype == np.uint8 and y_train.dtype == np.int64
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert round(float(x_train.mean() / 255), 4) == 0.1307  # the mean everybody normalises by


def test_cifar10_subset(data_file):
    path = data_file("cifar10_subset.npz")
    (x_train, y_train), (x_test, y_test) = real.load_cifar10_subset()
    assert x_train.shape == (10_000, 32, 32, 3) and x_test.shape == (2_000, 32, 32, 3)
    assert set(y_train) == set(y_test) == set(range(10)) and y_test.dtype == np.int64
    with np.load(path) as file:
        assert tuple(file["class_names"]) == real.CIFAR10_CLASSES
        assert (file["x_test"] == x_test).all()


def test_housing(data_file):
    table = np.loadtxt(data_file("housing.data"), dtype=np.float32)
    (x_train, y_train), (x_test, y_test) = real.load_housing()
    assert x_train.shape == (405, 13) and x_test.shape == (101, 13)
    rows = np.column_stack([np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], table[np.lexsort(table.T)])
    assert (real.load_housing(seed=1)[0][0] != x_train).any()


def test_texts(data_file):
    data_file("tinyshakespeare.txt")
    text = real.load_tinyshakespeare()
    assert len(text) == 1_115_394 and len(set(text)) == 65 and text.startswith("First Citizen:")
    data_file("rt-polarity.pos")
    sentences, labels = real.load_movie_reviews()
    assert len(sentences) == 10_662 and np.bincount(labels).tolist() == [5331, 5331]
    assert sentences[5331].startswith("the rock is destined to be the 21st century's new")


def test_series(data_file):
    data_file("airline-passengers.csv")
    flights = real.load_airline_passengers()
    assert len(flights.values) == 144 and flights.values[0] == 112 and flights.values[-1] == 432
    assert flights.dates[0] == np.datetime64("1949-01")
    data_file("daily-min-temperatures.csv")
    days = real.load_min_temperatures()
    assert len(days.values) == 3650 and days.values[0] == np.float32(20.7)
    assert days.dates[-1] == np.datetime64("1990-12-31")


@pytest.mark.parametrize("name", SOURCES)
def test_every_known_file_has_its_size_and_hash(data_file, name):
    data_file(name)
    assert len(read_source(name)) == SOURCES[name].size
    url = SOURCES[name].url
    assert url is None or url.startswith("https://")


# ---------------------------------------------------------------------------------- without mirror

CONTENT = b"a few bytes " * 100


@pytest.fixture
def known(tmp_path):
    """Two known files, a cache, and no mirror."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    sources = {"set/plain.bin": Source("set/plain.bin", "https://example.org/plain.bin", digest,
                                       len(CONTENT), ""),
               "set/packed.gz": Source("set/packed.gz", "https://example.org/packed.gz", digest,
                                       len(CONTENT), "", gzipped=True),
               "private.bin": Source("private.bin", None, digest, len(CONTENT), "")}
    with settings.override(data=None, cache=tmp_path / "cache"):
        yield sources


class Server:
    """Answers every address with the same bytes, and counts."""

    def __init__(self, answer: bytes):
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, url: str) -> io.BytesIO:
        self.asked.append(url)
        return io.BytesIO(self.answer)


@pytest.mark.parametrize("name", ["set/plain.bin", "set/packed.gz"])
def test_a_file_is_downloaded_once(known, name, tmp_path):
    server = Server(gzip.compress(CONTENT) if name.endswith("gz") else CONTENT)
    for _ in range(2):
        assert read_source(name, open_url=server, sources=known) == CONTENT
    assert server.asked == [known[name].url]
    assert (tmp_path / "cache" / "data" / name).read_bytes() == server.answer


def test_a_wrong_download_is_refused_and_not_kept(known, tmp_path):
    for answer in (CONTENT[:-1], CONTENT + b"x" * 10**6, b""):
        with pytest.raises(FileFormatError, match=r"plain.bin: not the known set/plain.bin"):
            read_source("set/plain.bin", open_url=Server(answer), sources=known)
    with pytest.raises(FileFormatError, match="not a whole gzip file"):
        read_source("set/packed.gz", open_url=Server(CONTENT), sources=known)
    bomb = gzip.compress(bytes(10**8))
    with pytest.raises(FileFormatError, match=f"{len(CONTENT) + 1} bytes"):
        read_source("set/packed.gz", open_url=Server(bomb), sources=known)
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_a_damaged_cache_is_fetched_again(known, tmp_path):
    kept = tmp_path / "cache" / "data" / "set" / "plain.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"half")
    server = Server(CONTENT)
    assert read_source("set/plain.bin", open_url=server, sources=known) == CONTENT
    assert kept.read_bytes() == CONTENT and len(server.asked) == 1


def test_a_mirror_comes_first_and_must_be_right(known, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "plain.bin").write_bytes(CONTENT)
    with settings.override(data=tmp_path):
        assert read_source("set/plain.bin", open_url=Server(b""), sources=known) == CONTENT
        (tmp_path / "set" / "plain.bin").write_bytes(CONTENT + b"!")
        with pytest.raises(FileFormatError, match="not the known set/plain") as got:
            read_source("set/plain.bin", open_url=Server(CONTENT), sources=known)
    assert str(tmp_path) in str(got.value)


def test_offline_the_error_says_what_to_do(known, tmp_path):
    def offline(url):
        raise urllib.error.URLError("Name or service not known")

    with pytest.raises(DownloadError) as got:
        read_source("set/plain.bin", open_url=offline, sources=known)
    text = str(got.value)
    for words in ("https://example.org/plain.bin cannot be read: Name or service not known",
                  "TRICORD_DATA (not set)", str(tmp_path / "cache"), "set TRICORD_DATA"):
        assert words in text
    assert isinstance(got.value, OSError)
    with pytest.raises(DownloadError, match="has no public address"):
        read_source("private.bin", open_url=offline, sources=known)


def test_unknown_names_and_open_addresses_are_refused():
    with pytest.raises(ArgumentError, match="'housing' is not a known data file") as got:
        read_source("housing")
    assert got.value.hint == "did you mean 'housing.data'?"
    with pytest.raises(ArgumentError, match="only https"):
        _open_url("http://example.org/")
