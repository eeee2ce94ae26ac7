"""Fixtures that every test shares: settings, seeds, golden files, the data folder, the peers."""

from __future__ import annotations

import importlib.util
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from tricord import settings

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
DEFAULT_PEERS = ("torch", "keras")

# Keras reads this once, when it is imported.
os.environ.setdefault("KERAS_BACKEND", "torch")

# `pytest --hypothesis-profile=explore` looks for new failures and prints how to repeat them.
hypothesis.settings.register_profile(
    "repeat", derandomize=True, database=None, deadline=None, max_examples=40, print_blob=True)
hypothesis.settings.register_profile(
    "explore", database=None, deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("repeat")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true",
                     help="write what the tests produce into tests/golden and docs/settings.md")
    parser.addoption("--seed", type=int, default=0, help="seed of the `rng` fixture (default 0)")


def pytest_report_header(config: pytest.Config) -> str:
    folder = _data_folder()
    return f"tricord: --seed={config.getoption('--seed')}, data {folder or 'absent'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers("peers"):
            missing = [name for name in marker.args or DEFAULT_PEERS
                       if importlib.util.find_spec(name) is None]
            if missing:
                item.add_marker(pytest.mark.skip(
                    reason=f"needs the extra [peers]: {', '.join(missing)} not installed"))


def _data_folder() -> Path | None:
    """``TRICORD_DATA``, else ``../shared/data`` beside the checkout, else None."""
    folder = settings.get().data or ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(autouse=True)
def checked_settings() -> Iterator[None]:
    """Every test runs with the verifier on and with the data folder as the mirror."""
    with settings.override(check=1, data=_data_folder()):
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    folder = _data_folder()
    if folder is None:
        pytest.skip("no data sets: set TRICORD_DATA, or put them into ../shared/data")
    return folder


@pytest.fixture
def data_file(data_folder: Path) -> Callable[[str], Path]:
    """``data_file("mnist/t10k-labels-idx1-ubyte.gz")``: its path, or the test is skipped."""
    def find(name: str) -> Path:
        path = data_folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in {data_folder}")
        return path

    return find


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Numbers that depend on ``--seed`` and on the test's name, not on which tests ran before."""
    return np.random.default_rng(
        [request.config.getoption("--seed"), zlib.crc32(request.node.name.encode())])


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """``golden("fuse/relu.ir", text)`` compares with the file; ``--update-golden`` writes it."""
    def compare(name: str, actual: str, folder: Path = GOLDEN) -> None:
        path = folder / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --update-golden and read the diff"
        assert actual == path.read_text(encoding="utf-8")

    return compare
