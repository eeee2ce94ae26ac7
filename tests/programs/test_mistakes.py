"""Each usual mistake gives one clear message: class, words, and the user's line."""

from __future__ import annotations

import importlib
import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest

from tricord import keras, torch
from tricord import tensorflow as tf
from tricord.errors import TricordError
from tricord.tensor import clear_tables

from . import mistakes
from .mistakes import MISTAKES, Mistake
from .validate_mistakes import expected_classes

#: What the real framework refuses and tricord allows, and why.
ALLOWED = {
    "torch: numpy of a tensor with a gradient":
        "one Tensor for all faces: variables of TensorFlow and Keras give their value away, and "
        "numpy() is a copy that cannot break a gradient",
    "torch: module without super init":
        "parameters and submodules are plain attributes, so such a module works",
}


def marked() -> list[Any]:
    return [pytest.param(m, id=m.name, marks=pytest.mark.xfail(strict=True,
                                                               reason=ALLOWED[m.name]))
            if m.name in ALLOWED else pytest.param(m, id=m.name) for m in MISTAKES]


@pytest.fixture(autouse=True)
def first_sight() -> None:
    """What a composite warns about, it warns about when it is first seen."""
    clear_tables()


FACES = {"torch": torch, "keras": keras, "tensorflow": tf}


def blamed_line(mistake: Mistake) -> str:
    """``mistakes.py:<number>`` of the line that ends in ``# here``."""
    lines, first = inspect.getsourcelines(mistake.call)
    place = next(i for i, line in enumerate(lines) if line.rstrip().endswith("# here"))
    return f"{Path(mistakes.__file__).name}:{first + place} "


def caught(mistake: Mistake, face: Any) -> str:
    """The message of the error (or warning) that the mistake raises."""
    classes = expected_classes(mistake, face)
    if issubclass(classes[0], Warning):
        with pytest.warns(classes) as record:
            mistake.call(face)
        return str(record[0].message)
    with pytest.raises(classes) as raised:
        mistake.call(face)
    return str(raised.value)


@pytest.mark.parametrize("mistake", marked())
def test_a_mistake_is_explained(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                ) -> None:
    monkeypatch.chdir(tmp_path)
    message = caught(mistake, FACES[mistake.face])
    for word in mistake.words:
        assert word.lower() in message.lower(), f"{word!r} is not in: {message}"
    if mistake.line:
        assert blamed_line(mistake) in message + " ", f"the user's line is not in: {message}"


@pytest.mark.parametrize("mistake", marked())
def test_a_mistake_raises_an_error_of_ours(mistake: Mistake, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an IndexError or KeyError that escaped from inside; Python's own argument errors,
    missing names and missing files may pass as they are."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(Exception) as raised:
            mistake.call(FACES[mistake.face])
    assert isinstance(raised.value, (TricordError, UserWarning, AttributeError, FileNotFoundError,
                                     NotImplementedError)) or type(raised.value) is TypeError


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m.real and m.face != "tensorflow"],
                         ids=lambda m: m.name)
@pytest.mark.peers("torch", "keras")
@pytest.mark.filterwarnings("default")
def test_the_real_framework_raises_the_same_class(
        mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    caught(mistake, importlib.import_module(mistake.face))
