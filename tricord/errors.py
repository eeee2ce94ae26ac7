"""Every exception that tricord raises on purpose.

::

    TricordError
    |-- InvalidArgumentError                           what was passed does not fit
    |   |-- ShapeError          (ValueError, RuntimeError)   sizes or ranks do not fit
    |   |   `-- AxisError       (IndexError)                 there is no such axis
    |   |-- DTypeError          (TypeError, RuntimeError)    an operation does not take this dtype
    |   |-- ArgumentError       (ValueError, TypeError)      a value, name or keyword is not legal
    |   |-- IndexRangeError     (IndexError, RuntimeError)   an index or a label is out of range
    |   `-- SingularMatrixError (ValueError, RuntimeError)   no inverse, or no factor of that kind
    |-- OutOfMemoryError    (MemoryError, RuntimeError)  more than this machine can hold
    |-- GradientError       (RuntimeError)               a derivative cannot be had
    |-- TraceError          (RuntimeError)               a value that does not exist yet was needed
    |-- NonFiniteError      (ValueError, FloatingPointError)  NaN or infinity where it does harm
    |-- EmptyDataError      (ValueError)                 nothing to train on
    |-- NotCompiledError    (RuntimeError)               ``fit`` before ``compile``
    |-- NotSupportedError   (NotImplementedError)        known, not offered; names the alternative
    |-- StateError          (RuntimeError, KeyError)     saved state and model do not fit together
    |-- FileFormatError     (ValueError, OSError)        a file is not what it claims to be
    |   `-- UnsafeFileError                              a file asks to run code; refused
    |-- LoaderWorkerDied    (RuntimeError)               a data-loading process ended early
    |-- VerifierError       (AssertionError)             our own bug: a graph breaks an IR rule
    `-- SettingError        (ValueError)                 a setting has an illegal value

Each derives from the built-ins that users of PyTorch, Keras and TensorFlow already catch.
A message names the operation, what was expected, what came, the user's line and, when one is
known, the fix.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "AxisError",
    "DTypeError",
    "EmptyDataError",
    "FileFormatError",
    "GradientError",
    "IndexRangeError",
    "InvalidArgumentError",
    "LoaderWorkerDied",
    "NonFiniteError",
    "NotCompiledError",
    "NotSupportedError",
    "OutOfMemoryError",
    "SettingError",
    "ShapeError",
    "SingularMatrixError",
    "StateError",
    "TraceError",
    "TricordError",
    "UnsafeFileError",
    "VerifierError",
    "nearest",
]


class TricordError(Exception):
    """Base of all tricord errors.

    ``hint`` is the likely fix; ``where`` is the user's line, as ``file:line   source``.

    >>> print(TricordError("dense: units must be positive, got -1", hint="units=1", where="a.py:3"))
    dense: units must be positive, got -1
      recorded at  a.py:3
      hint: units=1
    """

    def __init__(self, message: str = "", *, hint: str | None = None, where: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(f"  recorded at  {self.where}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class InvalidArgumentError(TricordError):
    """What was passed does not fit: its shape, dtype, value or place (TensorFlow's name)."""


class ShapeError(InvalidArgumentError, ValueError, RuntimeError):
    """Sizes or ranks do not fit together."""


class AxisError(ShapeError, IndexError):
    """A tensor has no axis of that number."""


class DTypeError(InvalidArgumentError, TypeError, RuntimeError):
    """An operation does not take this dtype."""


class ArgumentError(InvalidArgumentError, ValueError, TypeError):
    """A value, a name or a keyword is not one of the legal ones."""


class IndexRangeError(InvalidArgumentError, IndexError, RuntimeError):
    """An index or a class label is out of range."""


class OutOfMemoryError(TricordError, MemoryError, RuntimeError):
    """A tensor is larger than the memory of this machine, or there is none left."""


class GradientError(TricordError, RuntimeError):
    """A derivative was asked for that cannot be had."""


class TraceError(TricordError, RuntimeError):
    """A concrete value was asked for inside vmap, scan or another traced function."""


class SingularMatrixError(InvalidArgumentError, ValueError, RuntimeError):
    """A matrix is singular, or not positive definite, where that is needed."""


class NonFiniteError(TricordError, ValueError, FloatingPointError):
    """NaN or infinity where it would do harm."""


class EmptyDataError(TricordError, ValueError):
    """There is nothing to train on, to evaluate or to split."""


class NotCompiledError(TricordError, RuntimeError):
    """``fit``, ``evaluate`` or ``train_on_batch`` was called before ``compile``."""


class NotSupportedError(TricordError, NotImplementedError):
    """Known, but not offered here; the message names the alternative."""


class StateError(TricordError, RuntimeError, KeyError):
    """Saved state and the object that should take it do not fit together."""


class FileFormatError(TricordError, ValueError, OSError):
    """A file is truncated, damaged or of another kind than it claims."""


class UnsafeFileError(FileFormatError):
    """A file asks for code to be run. tricord never does that; there is no switch for it."""


class LoaderWorkerDied(TricordError, RuntimeError):  # noqa: N818 - reads as an event
    """A data-loading process ended before its work was done."""


class VerifierError(TricordError, AssertionError):
    """A graph breaks a rule of the IR: a bug in tricord, not in the user's program."""


class SettingError(TricordError, ValueError):
    """A setting has an illegal value."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The hint for a mistyped name: the closest of the known ones, or None.

    >>> nearest("sgdd", ["sgd", "adam"])
    "did you mean 'sgd'?"
    """
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else None
