"""tf.data: what each step gives, and that orders follow from seeds."""

import numpy as np
import pytest

from tricord import tensorflow as tf

Dataset = tf.data.Dataset


def listed(dataset):
    return [x.tolist() if hasattr(x, "tolist") else x for x in dataset.as_numpy_iterator()]


def test_a_shuffle_is_a_function_of_its_seed_and_of_the_round():
    def rounds(seed, buffer):
        data = Dataset.range(20).shuffle(buffer, seed=seed)
        return [listed(data) for _ in range(3)]

    for buffer in (20, 5):
        first = rounds(1, buffer)
        assert first == rounds(1, buffer)
        assert first != rounds(2, buffer)
        assert first[0] != first[1]
        assert all(sorted(order) == list(range(20)) for order in first)
    fixed = Dataset.range(20).shuffle(20, seed=1, reshuffle_each_iteration=False)
    assert listed(fixed) == listed(fixed)


def test_a_small_buffer_moves_elements_only_so_far():
    order = listed(Dataset.range(100).shuffle(5, seed=3))
    assert all(value <= place + 4 for place, value in enumerate(order))


def test_without_a_seed_the_order_follows_from_the_global_one():
    def order():
        tf.random.set_seed(7)
        return listed(Dataset.range(20).shuffle(20))

    assert order() == order()


def test_batches_of_shuffled_rows_are_rows():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    for data in (Dataset.from_tensor_slices((x, y)).shuffle(10, seed=0).batch(3),
                 Dataset.from_tensor_slices((x, y)).shuffle(3, seed=0).batch(3)):
        seen = []
        for rows, labels in data:
            assert (rows.numpy() == x[labels.numpy()]).all()
            seen += labels.numpy().tolist()
        assert sorted(seen) == list(range(10))


def test_windows_and_flattening():
    windows = Dataset.range(6).window(3, shift=2).flat_map(lambda w: w.batch(3))
    assert listed(windows) == [[0, 1, 2], [2, 3, 4], [4, 5]]
    whole = Dataset.range(6).window(3, shift=2, drop_remainder=True).flat_map(
        lambda w: w.batch(3))
    assert listed(whole) == [[0, 1, 2], [2, 3, 4]]
    turns = Dataset.range(4).interleave(lambda x: Dataset.from_tensors(x).repeat(2),
                                        cycle_length=2, block_length=1)
    assert listed(turns) == [0, 1, 0, 1, 2, 3, 2, 3]
    assert listed(Dataset.range(5).batch(2).unbatch()) == [0, 1, 2, 3, 4]


def test_structures():
    data = Dataset.from_tensor_slices({"a": [1, 2, 3], "b": [[1.0], [2.0], [3.0]]}).batch(2)
    first = next(iter(data))
    assert first["a"].numpy().tolist() == [1, 2] and first["b"].shape.as_list() == [2, 1]
    pairs = Dataset.range(3).map(lambda x: (x, x * 2)).filter(lambda a, b: b > 0)
    assert [(int(a), int(b)) for a, b in pairs] == [(1, 2), (2, 4)]
    both = Dataset.zip((Dataset.range(2), Dataset.range(5, 9)))
    assert [(int(a), int(b)) for a, b in both] == [(0, 5), (1, 6)]
    listed_result = next(iter(Dataset.range(1).map(lambda x: [x, x])))
    assert isinstance(listed_result, tuple)


def test_element_specs():
    data = Dataset.from_tensor_slices((np.zeros((4, 3), "float32"), [1, 2, 3, 4]))
    spec = data.batch(2).element_spec
    assert spec[0] == tf.TensorSpec([None, 3], tf.float32)
    assert data.batch(2, drop_remainder=True).element_spec[0].shape == [2, 3]


def test_cardinalities():
    data = Dataset.range(7)
    assert len(data.batch(2)) == 4 and len(data.batch(2, drop_remainder=True)) == 3
    assert int(data.repeat().cardinality()) == tf.data.INFINITE_CARDINALITY
    assert int(data.filter(lambda x: x > 1).cardinality()) == tf.data.UNKNOWN_CARDINALITY
    assert len(data.skip(2).take(3).repeat(2).concatenate(data)) == 13
    assert len(data.shard(2, 1)) == 3
    with pytest.raises(TypeError, match="infinite"):
        len(data.repeat())


def test_generators():
    def numbers():
        for i in range(3):
            yield i, [i] * i

    data = Dataset.from_generator(numbers, output_signature=(
        tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.float32)))
    for _ in range(2):
        count, rows = next(iter(data.padded_batch(3)))
        assert count.numpy().tolist() == [0, 1, 2]
        assert rows.numpy().tolist() == [[0, 0], [1, 0], [2, 2]]
    old = Dataset.from_generator(lambda: iter([1, 2]), tf.int32, [])
    assert listed(old) == [1, 2]
    wrong = Dataset.from_generator(lambda: iter([[1, 2]]), output_signature=tf.TensorSpec(
        [3], tf.int32))
    with pytest.raises(TypeError, match="yielded an element of shape"):
        list(wrong)


def test_a_cache_computes_once():
    calls = []
    data = Dataset.range(3).map(lambda x: calls.append(1) or x).cache()
    assert listed(data) == listed(data) == [0, 1, 2]
    assert len(calls) == 3


def test_steps_are_lazy():
    calls = []
    data = Dataset.range(1000).map(lambda x: calls.append(1) or x).take(2).repeat(2).prefetch(
        tf.data.AUTOTUNE)
    assert calls == []
    assert listed(data) == [0, 1, 0, 1]
    assert len(calls) == 4


def test_other_steps():
    assert int(Dataset.range(5).reduce(np.int64(0), lambda a, b: a + b)) == 10
    assert listed(Dataset.range(3).scan(np.int64(0), lambda s, x: (s + x, s + x))) == [0, 1, 3]
    assert listed(Dataset.range(5).take_while(lambda x: x < 3)) == [0, 1, 2]
    assert [(int(i), int(v)) for i, v in Dataset.range(5, 7).enumerate(start=3)] == [
        (3, 5), (4, 6)]
    assert listed(Dataset.from_tensor_slices([1, 1, 2]).unique()) == [1, 2]
    assert listed(Dataset.range(4).apply(lambda d: d.skip(3))) == [3]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 and 3"):
        Dataset.from_tensor_slices(([1, 2], [1, 2, 3]))
    ragged = Dataset.from_generator(lambda: iter([[1], [1, 2]]),
                                    output_signature=tf.TensorSpec([None], tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes"):
        list(ragged.batch(2))
    with pytest.raises(tf.errors.InvalidArgumentError):
        Dataset.range(3).batch(0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one"):
        Dataset.range(3).get_single_element()


def test_an_element_does_not_change_with_its_source():
    source = np.arange(4)
    data = Dataset.from_tensor_slices(source).batch(2)
    source[:] = 9
    assert listed(data) == [[0, 1], [2, 3]]
