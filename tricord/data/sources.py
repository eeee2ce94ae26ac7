"""Files of real data: where they are, what they must hash to, and how they come here.

A file is looked for in the mirror (the setting ``data``, ``TRICORD_DATA``), then in the cache (the
setting ``cache``), then at its address. Whatever the place, its content must have the known
SHA-256: a changed or damaged file is never used, and a download is written only after the check.

Nothing of these files is part of tricord; the note of each says where it comes from.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from .. import settings
from ..errors import ArgumentError, FileFormatError, TricordError, nearest
from ..serialize.atomic import atomic_write

__all__ = ["SOURCES", "DownloadError", "Source", "read_source"]

_TIMEOUT = 30.0  # seconds without a byte


class DownloadError(TricordError, OSError):
    """A file of data is neither at hand nor can it be fetched."""


@dataclass(frozen=True)
class Source:
    """One file. ``sha256`` and ``size`` (bytes) are those of the content, unpacked if gzipped."""

    name: str  # also the path below a mirror and below the cache
    url: str | None
    sha256: str
    size: int
    note: str
    gzipped: bool = False


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MNIST_NOTE = "MNIST of Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0"
_BROWNLEE = "https://raw.githubusercontent.com/jbrownlee/Datasets/master/"
_POLARITY = ("https://raw.githubusercontent.com/dennybritz/cnn-text-classification-tf/master/data/"
             "rt-polaritydata/")
_POLARITY_NOTE = "sentence polarity data set v1.0 of B. Pang and L. Lee, ACL 2005"

_ALL = (
    Source("mnist/train-images-idx3-ubyte.gz", _MNIST + "train-images-idx3-ubyte.gz",
           "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016,
           _MNIST_NOTE, gzipped=True),
    Source("mnist/train-labels-idx1-ubyte.gz", _MNIST + "train-labels-idx1-ubyte.gz",
           "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008,
           _MNIST_NOTE, gzipped=True),
    Source("mnist/t10k-images-idx3-ubyte.gz", _MNIST + "t10k-images-idx3-ubyte.gz",
           "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016,
           _MNIST_NOTE, gzipped=True),
    Source("mnist/t10k-labels-idx1-ubyte.gz", _MNIST + "t10k-labels-idx1-ubyte.gz",
           "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008,
           _MNIST_NOTE, gzipped=True),
    Source("cifar10_subset.npz", None,
           "33996ed2506cf61e9b051dfc117bc292563c604b4bac01ae00ba13696723fc2a", 34_201_337,
           "10 000 + 2 000 images of CIFAR-10 of A. Krizhevsky, V. Nair and G. Hinton"),
    Source("bccd.tar.gz", None,
           "ab33009cb2e0c8b653a583e76ca566627ef4562531d0e4ec967a1889e411a584", 7_380_073,
           "BCCD, 364 blood-cell images of cosmicad and akshaylamba with boxes; MIT"),
    Source("tinyshakespeare.txt", "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
           "tinyshakespeare/input.txt",
           "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed", 1_115_394,
           "40 000 lines of Shakespeare, put together by A. Karpathy"),
    Source("rt-polarity.neg", _POLARITY + "rt-polarity.neg",
           "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd", 612_506,
           _POLARITY_NOTE),
    Source("rt-polarity.pos", _POLARITY + "rt-polarity.pos",
           "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58", 626_395,
           _POLARITY_NOTE),
    Source("housing.data", "https://archive.ics.uci.edu/ml/machine-learning-databases/housing/"
           "housing.data",
           "e3e36f7b9e5435f9eb8320e106aebad00031fefa3064527da0c71dec59e49b76", 49_081,
           "Boston housing of D. Harrison and D. Rubinfeld, 1978"),
    Source("airline-passengers.csv", _BROWNLEE + "airline-passengers.csv",
           "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621", 2_180,
           "airline passengers per month, 1949-1960, of G. Box and G. Jenkins"),
    Source("daily-min-temperatures.csv", _BROWNLEE + "daily-min-temperatures.csv",
           "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da", 67_921,
           "lowest temperature of each day in Melbourne, 1981-1990, Bureau of Meteorology"),
)

SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in _ALL})


def _open_url(url: str) -> BinaryIO:
    if not url.startswith("https://"):
        raise ArgumentError(f"{url}: only https addresses are fetched")
    # Imported here: it takes a tenth of the time of `import tricord`, and is hardly ever needed.
    http = import_module("urllib.request")
    return http.urlopen(http.Request(url, headers={"User-Agent": "tricord"}), timeout=_TIMEOUT)


def read_source(
    name: str, *, open_url: Callable[[str], BinaryIO] = _open_url,
    sources: Mapping[str, Source] = SOURCES,
) -> bytes:
    """The content of a known file, unpacked and checked.

    Raises:  DownloadError if it is at none of the three places; FileFormatError if the mirror's
             copy is another file; ArgumentError for an unknown name
    """
    source = sources.get(name)
    if source is None:
        raise ArgumentError(f"{name!r} is not a known data file; there are {', '.join(sources)}",
                            hint=nearest(name, sources))
    mirror, cache = settings.get().data, settings.get().cache
    if mirror is not None and (mirror / name).is_file():
        return _checked(source, (mirror / name).read_bytes(), str(mirror / name))
    kept = cache / "data" / name if cache is not None else None
    if kept is not None and kept.is_file():
        try:
            return _checked(source, kept.read_bytes(), str(kept))
        except FileFormatError:
            pass  # damaged since it was written: fetch it again
    return _download(source, kept, open_url)


def _download(source: Source, kept: Path | None, open_url: Callable[[str], BinaryIO]) -> bytes:
    mirror = settings.get().data
    hint = (f"get {source.name} by another way, put it into a folder and set TRICORD_DATA to that "
            "folder; load_digits() needs no file")
    looked = (f"{source.name} is not in TRICORD_DATA ({mirror or 'not set'}), not in the cache "
              f"({kept.parent if kept else 'switched off'})")
    if source.url is None:
        raise DownloadError(f"{looked}, and has no public address", hint=hint)
    try:
        with open_url(source.url) as answer:
            # Never more than the file can have, whatever the server sends.
            raw = answer.read(source.size + (1 << 16) + 1)
    except OSError as error:  # URLError is one
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"{looked}, and {source.url} cannot be read: {reason}",
                            hint=hint) from error
    content = _checked(source, raw, source.url)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(str(kept), raw)
    return content


def _checked(source: Source, raw: bytes, place: str) -> bytes:
    """The content of the file's bytes, if it is the one that is meant."""
    content = _unpack(raw, source.size, place) if source.gzipped else raw
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise FileFormatError(
            f"{place}: not the known {source.name}: {len(content)} bytes with SHA-256 "
            f"{found[:16]}..., expected {source.size} with {source.sha256[:16]}...",
            hint="the file is damaged or another version; remove it, or get it anew")
    return content


def _unpack(raw: bytes, size: int, place: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            return file.read(size + 1)  # one more than expected shows up in the hash
    except (OSError, EOFError) as error:
        raise FileFormatError(f"{place}: not a whole gzip file: {error}") from error
