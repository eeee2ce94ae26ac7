"""Data sets of Keras that tricord has no checked source for."""

from __future__ import annotations

from typing import Any

from ...errors import NotSupportedError

__all__ = ["AbsentDataset"]


class AbsentDataset:
    """Stands for a data set; ``load_data`` says what is missing and what to do."""

    def __init__(self, name: str, hint: str | None = None):
        self.__name__ = name
        self._hint = hint or "load your copy with numpy.load; keras.datasets.mnist is there"

    def load_data(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no address with a known SHA-256."""
        raise NotSupportedError(f"keras.datasets.{self.__name__}: tricord knows no address with a "
                                "known SHA-256 for this data set", hint=self._hint)

    get_word_index = get_label_names = load_data
