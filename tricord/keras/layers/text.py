"""Text to numbers: vocabularies. These layers take arrays or lists of text, in front of a model."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError, StateError
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from ..graph import KerasTensor
from .base import Layer

__all__ = ["IntegerLookup", "StringLookup", "TextVectorization"]

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class _Vocabulary(Layer):
    """Numbers for words: first the mask (0), if there is one, then unknown words, then known."""

    def _set(self, max_tokens: int | None, output_mode: str, vocabulary: Any,
             idf_weights: Any, special: list[Any], unknown: int) -> None:
        if output_mode not in _MODES:
            raise ArgumentError(f"output_mode must be one of {', '.join(_MODES)}. Received: "
                                f"{output_mode}")
        if max_tokens is not None and max_tokens <= len(special):
            raise ArgumentError(f"max_tokens must be larger than {len(special)}. Received: "
                                f"{max_tokens}")
        self.max_tokens = max_tokens
        self.output_mode = output_mode
        self._special, self._first_unknown, self._unknown = special, len(special) - unknown, unknown
        self._words: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._idf: np.ndarray[Any, Any] | None = None
        self._seen: Counter[Any] = Counter()  # type: ignore[assignment]
        self._documents: Counter[Any] = Counter()
        self._count = 0
        self.built = True
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def set_vocabulary(self, vocabulary: Iterable[Any], idf_weights: Any = None) -> None:
        """Use these words, the most frequent first; special ones are put in front."""
        if isinstance(vocabulary, str):
            raise NotSupportedError("a vocabulary from a file: read it yourself",
                                    hint="vocabulary=open(path).read().splitlines()")
        words = [w.item() if isinstance(w, np.generic) else w for w in vocabulary]
        if words[:len(self._special)] == self._special:
            words = words[len(self._special):]
        if len(set(words)) < len(words):
            twice = next(w for w, n in Counter(words).items() if n > 1)
            raise ArgumentError(f"the vocabulary holds {twice!r} twice")
        room = None if self.max_tokens is None else self.max_tokens - len(self._special)
        if room is not None and len(words) > room:
            raise ArgumentError(f"{len(words)} words do not fit into max_tokens={self.max_tokens}")
        self._words = words
        self._numbers = {w: len(self._special) + i for i, w in enumerate(words)}
        if idf_weights is not None:
            given = np.asarray(idf_weights, np.float32)
            front = np.full(len(self._special), given.mean() if given.size else 0, np.float32)
            self._idf = given if len(given) > len(words) else np.concatenate([front, given])

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The words by number."""
        return [*(self._special if include_special_tokens else []), *self._words]

    def vocabulary_size(self) -> int:
        """How many numbers there are."""
        return len(self._special) + len(self._words)

    def reset_state(self) -> None:
        """Forget what was learnt."""
        self._seen, self._documents, self._count = Counter(), Counter(), 0  # type: ignore[assignment]

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary of data: the most frequent words first, then by their order."""
        self.reset_state()
        self.update_state(data)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the words of more data."""
        for row in self._rows(data):
            self._seen.update(row)  # type: ignore[attr-defined]
            self._documents.update(set(row))
            self._count += 1

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        ranked = sorted(self._seen, key=lambda w: (-self._seen[w], _after(w)))  # type: ignore[call-overload,index]
        ranked = [w for w in ranked if w not in self._special]
        if self.max_tokens is not None:
            ranked = ranked[:self.max_tokens - len(self._special)]
        idf = [np.log(1 + self._count / (1 + self._documents[w])) for w in ranked]
        self.set_vocabulary(ranked, idf if self.output_mode == "tf_idf" else None)

    def _rows(self, data: Any) -> list[list[Any]]:
        """The words of each sample."""
        array = _text(data)
        return [list(np.ravel(r)) for r in array] if array.ndim else [[array.item()]]

    def _number(self, word: Any) -> int:
        found = self._numbers.get(word)
        if found is not None:
            return found
        if word in self._special:
            return self._special.index(word)
        if not self._unknown:
            raise ArgumentError(f"layer {self.name}: {word!r} is not in the vocabulary",
                                hint="num_oov_indices=1")
        # A stable choice among several numbers for unknown words.
        spread = sum((i + 1) * b for i, b in enumerate(str(word).encode()))
        return self._first_unknown + spread % self._unknown

    def _encoded(self, numbers: np.ndarray[Any, Any]) -> Any:
        if self.output_mode == "int":
            return wrap(numbers.astype(np.int64))
        size = self.max_tokens if getattr(self, "pad_to_max_tokens", False) and (
            self.max_tokens) else self.vocabulary_size()
        rows = numbers.reshape(-1, 1) if self.output_mode == "one_hot" or numbers.ndim < 2 else (
            numbers.reshape(len(numbers), -1))
        found = np.zeros((len(rows), size), np.float32)
        at = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
        kept = rows >= 0
        np.add.at(found, (at[kept], rows[kept]), 1.0)
        if self.output_mode in ("one_hot", "multi_hot"):
            found = np.minimum(found, 1.0)
        if self.output_mode == "tf_idf":
            if self._idf is None:
                raise StateError(f"layer {self.name}: tf_idf needs adapt(), or idf_weights")
            found[:, :len(self._idf)] *= self._idf
        return wrap(found)

    def __call__(self, inputs: Any) -> Any:
        if isinstance(inputs, KerasTensor):
            raise NotSupportedError(f"layer {self.name}: text cannot be the input of a model; only "
                                    "numbers are tensors", hint="apply the layer to the data "
                                    "before fit and predict")
        if not self._words:
            raise StateError(f"layer {self.name}: there is no vocabulary yet",
                             hint="call adapt(data), or give vocabulary=[...]")
        return self.call(inputs)


def _after(word: Any) -> Any:
    """Sorts words of one frequency in descending order, as Keras does."""
    return tuple(-ord(c) for c in word) if isinstance(word, str) else -word


def _text(data: Any) -> np.ndarray[Any, Any]:
    if isinstance(data, Handle):
        return value_of(data)
    array = np.asarray(data if hasattr(data, "__array__") or isinstance(data, (str, list, tuple))
                       else list(data))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    return array


class StringLookup(_Vocabulary):
    """Numbers for strings, or with ``invert`` strings for numbers.

    >>> layer = StringLookup(vocabulary=["a", "b"])
    >>> layer(["b", "?", "a"]).tolist(), layer.get_vocabulary()
    ([2, 0, 1], ['[UNK]', 'a', 'b'])
    """

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1,
                 mask_token: Any = None, oov_token: Any = "[UNK]", vocabulary: Any = None,
                 idf_weights: Any = None, invert: bool = False, output_mode: str = "int",
                 pad_to_max_tokens: bool = False, sparse: bool = False, encoding: str = "utf-8",
                 name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.num_oov_indices, self.mask_token, self.oov_token = num_oov_indices, mask_token, (
            oov_token)
        self.invert, self.pad_to_max_tokens = invert, pad_to_max_tokens
        self.sparse, self.encoding = sparse, encoding
        masks = [mask_token] if mask_token is not None else []
        self._set(max_tokens, output_mode, vocabulary, idf_weights,
                  [*masks, *[oov_token] * num_oov_indices], num_oov_indices)

    @property
    def vocabulary(self) -> list[Any] | None:
        """The words without the special ones."""
        return list(self._words) or None

    @property
    def idf_weights(self) -> list[float] | None:
        """The weights of the words."""
        return None if self._idf is None else self._idf[len(self._special):].tolist()

    def call(self, inputs: Any) -> Any:
        array = _text(inputs)
        if self.invert:
            words = self.get_vocabulary()
            unknown = self.oov_token
            return np.vectorize(lambda n: words[n] if 0 <= n < len(words) else unknown,
                                otypes=[object])(array)
        numbers = np.array([self._number(w) for w in array.ravel().tolist()]).reshape(array.shape)
        return self._encoded(numbers)


class IntegerLookup(StringLookup):
    """Numbers from 0 on for whatever whole numbers occur."""

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1,
                 mask_token: int | None = None, oov_token: int = -1, vocabulary: Any = None,
                 vocabulary_dtype: str = "int64", idf_weights: Any = None, invert: bool = False,
                 output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
                 name: str | None = None, **kwargs: Any):
        self.__dict__["_vocabulary_dtype"] = vocabulary_dtype
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary,
                         idf_weights, invert, output_mode, pad_to_max_tokens, sparse, name=name,
                         **kwargs)
        self.vocabulary_dtype = vocabulary_dtype


_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


class TextVectorization(_Vocabulary):
    """Lines of text as rows of numbers: cleaned, cut into words, looked up.

    >>> layer = TextVectorization(output_sequence_length=4, vocabulary=["good", "film"])
    >>> layer(["A good, good film!"]).tolist()
    [[1, 2, 2, 3]]
    """

    _not_settings = ("encoding", "ragged", "sparse")

    def __init__(self, max_tokens: int | None = None,
                 standardize: Any = "lower_and_strip_punctuation", split: Any = "whitespace",
                 ngrams: Any = None, output_mode: str = "int",
                 output_sequence_length: int | None = None, pad_to_max_tokens: bool = False,
                 vocabulary: Any = None, idf_weights: Any = None, sparse: bool = False,
                 ragged: bool = False, encoding: str = "utf-8", name: str | None = None,
                 **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if ragged or sparse:
            raise NotSupportedError("TextVectorization: ragged and sparse tensors are not offered")
        self.standardize: Any = standardize
        self.split: Any = split
        self.ngrams = ngrams
        self.output_sequence_length = output_sequence_length
        self.pad_to_max_tokens = pad_to_max_tokens
        special = ["", "[UNK]"] if output_mode == "int" else ["[UNK]"]
        self._set(max_tokens, output_mode, vocabulary, idf_weights, special, 1)

    @property
    def vocabulary(self) -> list[Any] | None:
        """The words without the special ones."""
        return list(self._words) or None

    @property
    def idf_weights(self) -> list[float] | None:
        """The weights of the words."""
        return None if self._idf is None else self._idf[len(self._special):].tolist()

    def _clean(self) -> Callable[[str], str]:
        steps = {None: str, "lower": str.lower,
                 "strip_punctuation": lambda t: _PUNCTUATION.sub("", t),
                 "lower_and_strip_punctuation": lambda t: _PUNCTUATION.sub("", t.lower())}
        if callable(self.standardize):
            return self.standardize  # type: ignore[no-any-return]
        if self.standardize not in steps:
            raise ArgumentError(f"standardize: {self.standardize!r}; known are "
                                f"{', '.join(map(str, steps))}")
        return steps[self.standardize]

    def _cut(self) -> Callable[[str], list[str]]:
        ways: dict[Any, Callable[[str], list[str]]] = {
            None: lambda t: [t], "whitespace": str.split, "character": list}
        if callable(self.split):
            return self.split  # type: ignore[no-any-return]
        if self.split not in ways:
            raise ArgumentError(f"split: {self.split!r}; known are None, whitespace, character")
        return ways[self.split]

    def _rows(self, data: Any) -> list[list[Any]]:
        clean, cut = self._clean(), self._cut()
        array = _text(data)
        lines = [str(t) for t in array.ravel().tolist()]
        return [self._joined(list(cut(clean(line)))) for line in lines]

    def _joined(self, words: list[str]) -> list[str]:
        if self.ngrams is None:
            return words
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [" ".join(words[i:i + n]) for n in sizes for i in range(len(words) - n + 1)]

    def call(self, inputs: Any) -> Any:
        rows = [[self._number(w) for w in row] for row in self._rows(inputs)]
        length = self.output_sequence_length if self.output_mode == "int" else None
        if length is None:
            length = max((len(r) for r in rows), default=0)
        fill = 0 if self.output_mode == "int" else -1
        numbers = np.full((len(rows), length), fill, np.int64)
        for place, row in enumerate(rows):
            numbers[place, :len(row[:length])] = row[:length]
        found = self._encoded(numbers)
        return found[0] if isinstance(inputs, str) or _text(inputs).ndim == 0 else found
