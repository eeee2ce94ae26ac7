"""``tf.errors``: the classes that TensorFlow's users catch.

The general ones are tricord's own; the rest exist here because only this face raises them.
"""

from __future__ import annotations

from ..errors import InvalidArgumentError, NotSupportedError, TricordError

__all__ = ["AbortedError", "AlreadyExistsError", "CancelledError", "DataLossError",
           "DeadlineExceededError", "FailedPreconditionError", "InternalError",
           "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError",
           "PermissionDeniedError", "ResourceExhaustedError", "UnavailableError",
           "UnimplementedError", "UnknownError"]

OpError = TricordError
UnimplementedError = NotSupportedError


class FailedPreconditionError(TricordError, RuntimeError):
    """Something has to be done before: a variable has no value yet."""


class NotFoundError(TricordError, FileNotFoundError):
    """A file, or a variable in it, does not exist."""


class OutOfRangeError(TricordError, IndexError):
    """An iterator is at its end."""


class AlreadyExistsError(TricordError, ValueError):
    """Something of this name is there already."""


class AbortedError(TricordError, RuntimeError):
    """An operation was given up."""


class CancelledError(TricordError, RuntimeError):
    """An operation was cancelled."""


class DataLossError(TricordError, ValueError):
    """Data is damaged."""


class DeadlineExceededError(TricordError, TimeoutError):
    """It took too long."""


class InternalError(TricordError, RuntimeError):
    """A bug inside."""


class PermissionDeniedError(TricordError, PermissionError):
    """Not allowed."""


class ResourceExhaustedError(TricordError, MemoryError):
    """There is not enough memory."""


class UnavailableError(TricordError, RuntimeError):
    """Not there at the moment."""


class UnknownError(TricordError, RuntimeError):
    """Anything else."""
