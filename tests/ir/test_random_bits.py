"""Philox against the known answers published with Random123, and what a stream promises."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import batch_graph
from tricord.ir.ops.random_bits import philox4x32, random_bits

# tests/kat_vectors of Random123 1.14: counter, key, result of philox4x32 with 7 and 10 rounds.
KNOWN = [
    (10, "00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (10, "ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (10, "243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
    (7, "243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "4dfccaba 190a87f0 c47362ba b6b5242a"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("rounds", "counter", "key", "expected"), KNOWN)
def test_known_answers(rounds, counter, key, expected):
    found = philox4x32([np.uint32(w) for w in words(counter)], tuple(words(key)), rounds)
    assert [int(w) for w in found] == words(expected)


def bits(key, shape, ordinal=0):
    key = np.array(key, np.uint32)
    return run([random_bits(*inputs(key), shape, ordinal)], [key])[0]


def test_a_stream_counts_blocks_in_the_low_words_and_draws_in_the_high_ones():
    found = bits((11, 12, 7, 1), (9,), ordinal=2)
    for block in range(3):
        expected = philox4x32([np.uint32(w) for w in (block, 0, 9, 1)], (11, 12))
        assert found[4 * block:4 * block + 4].tolist() == [
            int(w) for w in expected[:len(found[4 * block:])]]


def test_the_draw_counter_carries_into_its_high_word():
    assert bits((1, 2, 0xFFFFFFFF, 3), (4,), 1).tolist() == bits((1, 2, 0, 4), (4,)).tolist()


def test_a_longer_draw_begins_with_the_shorter_one(monkeypatch):
    monkeypatch.setattr("tricord.ir.ops.random_bits._CHUNK", 8)
    long = bits((1, 2, 3, 4), (10, 20))
    assert long.reshape(-1)[:37].tolist() == bits((1, 2, 3, 4), (37,)).tolist()


def test_seeds_draws_and_ordinals_give_different_bits():
    drawn = [tuple(bits(key, (4,), ordinal)) for key, ordinal in [
        ((1, 0, 0, 0), 0), ((2, 0, 0, 0), 0), ((1, 1, 0, 0), 0), ((1, 0, 0, 1), 0),
        ((1, 0, 0, 0), 1)]]
    assert len(set(drawn)) == len(drawn)


def test_bits_are_balanced():
    found = bits((123, 0, 0, 0), (1 << 15,))
    ones = np.unpackbits(found.view(np.uint8)).mean()
    assert ones == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(32 << 15))


def test_every_key_of_a_batch_has_its_own_stream():
    keys = np.array([[1, 0, 0, 0], [2, 0, 0, 0]], np.uint32)
    one, = inputs(keys[0])
    many, = inputs(keys)
    node = batch_graph([random_bits(one, (5,))], {one: many}, 2)[0]
    found = run([node], [keys])[0]
    assert found.tolist() == [bits(k, (5,)).tolist() for k in keys]
