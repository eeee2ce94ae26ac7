"""``torch.autograd.profiler``: refers to the setting that profiles."""

from __future__ import annotations

from ...errors import NotSupportedError
from .._names import unknown_name

__all__ = ["profile", "record_function"]


class profile:
    """Refused while it is enabled.

    Raises:  NotSupportedError
    """

    def __init__(self, enabled: bool = True, **options: object):
        if enabled:
            raise NotSupportedError("profiler: PyTorch's profiler is not supported",
                                    hint="run with TRICORD_PROFILE=file or TRICORD_DEBUG=2")

    def __enter__(self) -> profile:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class record_function:
    """A named block; names are not kept."""

    def __init__(self, name: str, args: str | None = None):
        self.name = name

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


__getattr__ = unknown_name("torch.autograd.profiler", lambda: globals())
