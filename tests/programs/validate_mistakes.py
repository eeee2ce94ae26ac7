"""Show what the real frameworks say to each mistake, and which rows claim another class.

    python -m tests.programs.validate_mistakes torch keras      # or: tensorflow
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import warnings
from functools import reduce
from typing import Any

from .mistakes import MISTAKES, Mistake

__all__ = ["expected_classes"]


def expected_classes(mistake: Mistake, namespace: Any) -> tuple[type[BaseException], ...]:
    """The classes themselves; a name such as ``errors.X`` is looked up in the namespace."""
    if isinstance(mistake.error, str):
        return (reduce(getattr, mistake.error.split("."), namespace),)
    return mistake.error if isinstance(mistake.error, tuple) else (mistake.error,)


def main(faces: list[str]) -> int:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow" if "tensorflow" in faces else "torch")
    bad = 0
    for mistake in MISTAKES:
        if mistake.face not in faces:
            continue
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            warnings.simplefilter("ignore")
            namespace = importlib.import_module(mistake.face)
            if mistake.error is UserWarning:
                warnings.simplefilter("error", UserWarning)
            try:
                mistake.call(namespace)
                found: BaseException | None = None
            except Exception as error:  # noqa: BLE001 - whatever the framework raises is the answer
                found = error
        fits = isinstance(found, expected_classes(mistake, namespace))
        bad += mistake.real and not fits
        first = " ".join(str(found).split())[:150]
        print(f"{'   ' if fits else 'NOT' if mistake.real else '(-)'} {mistake.name}: "
              f"{type(found).__name__}: {first}")
    print(f"{bad} rows claim another class than the real framework's")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["torch", "keras"]))
