"""Vocabularies: learnt by frequency, looked up, counted, and remembered in configurations."""

from __future__ import annotations

import numpy as np
import pytest

from tricord import keras
from tricord.errors import ArgumentError, NotSupportedError, StateError
from tricord.keras import layers


def test_words_are_numbered_by_frequency():
    layer = layers.TextVectorization(output_sequence_length=5)
    layer.adapt(["a b c! B", "b c d"])
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "c", "d", "a"]
    assert layer(["A b, zz"]).tolist() == [[5, 2, 1, 0, 0]]


def test_counts_and_sets():
    count = layers.TextVectorization(output_mode="count", vocabulary=["b", "c"])
    assert count(["a b b"]).tolist() == [[1.0, 2.0, 0.0]]
    many = layers.TextVectorization(output_mode="multi_hot", vocabulary=["b", "c"])
    assert many(["a b b"]).tolist() == [[1.0, 1.0, 0.0]]


def test_lookups_go_both_ways():
    layer = layers.StringLookup()
    layer.adapt(["x", "y", "y"])
    assert layer([["x", "q"]]).tolist() == [[2, 0]]
    back = layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert back(np.array([1, 2])).tolist() == ["y", "x"]
    assert layers.IntegerLookup(vocabulary=[10, 20])([20, 10, 5]).tolist() == [2, 1, 0]


def test_a_vocabulary_is_part_of_the_configuration():
    layer = layers.TextVectorization()
    layer.adapt(["a b b"])
    again = layers.TextVectorization.from_config(layer.get_config())
    assert again.get_vocabulary() == layer.get_vocabulary()


def test_what_cannot_be_done_is_explained():
    with pytest.raises(StateError, match="adapt"):
        layers.StringLookup()(["a"])
    with pytest.raises(ArgumentError, match="twice"):
        layers.StringLookup(vocabulary=["a", "a"])
    with pytest.raises(NotSupportedError, match="before fit"):
        layers.StringLookup(vocabulary=["a"])(keras.Input((1,)))
