"""Variables and modules."""

import copy

import numpy as np
import pytest

from tricord import tensorflow as tf
from tricord.tensor import Parameter


def test_assignments():
    v = tf.Variable([1.0, 2.0], name="v")
    assert v.assign_add([1.0, 1.0]) is v
    v.assign_sub([0.5, 0.5])
    assert v.numpy().tolist() == [1.5, 2.5]
    v.assign(tf.constant([5.0, 6.0]))
    assert v.read_value().numpy().tolist() == [5.0, 6.0]
    assert v.value().numpy().tolist() == [5.0, 6.0]
    assert v.scatter_nd_update([[0]], [9.0]).numpy().tolist() == [9.0, 6.0]


def test_an_assignment_has_the_shape_and_dtype_of_the_variable():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"\(2,\)"):
        v.assign_add([[1.0, 1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="requested dtype float32 for Tensor with dtype int32"):
        v.assign(tf.constant([1, 2]))
    assert v.numpy().tolist() == [1.0, 2.0]


def test_what_was_read_keeps_its_value():
    v = tf.Variable([1.0, 2.0])
    before, shown = v * 1.0, v.read_value()
    array = v.numpy()
    v.assign([7.0, 8.0])
    v.assign_add([1.0, 1.0])
    for kept in (before.numpy(), shown.numpy(), array):
        assert kept.tolist() == [1.0, 2.0]


def test_the_source_of_a_variable_may_change_afterwards():
    source = np.array([1.0, 2.0], "float32")
    v = tf.Variable(source)
    source[0] = 9.0
    assert v.numpy()[0] == 1.0
    v.assign(source)
    source[0] = 3.0
    assert v.numpy()[0] == 9.0


def test_operators_give_tensors_and_in_place_ones_are_refused():
    v = tf.Variable([1.0, 2.0])
    for result in (v + 1.0, 2.0 * v, -v, v[0:1], v - v):
        assert not isinstance(result, tf.Variable)
    with pytest.raises(RuntimeError, match="assign_add"):
        v += 1.0
    assert (v > 1.5).numpy().tolist() == [False, True]


def test_a_variable_is_a_parameter_and_a_tensor():
    v = tf.Variable(1.0)
    assert isinstance(v, Parameter) and isinstance(v, tf.Tensor) and tf.is_tensor(v)
    assert isinstance(v, tf.Variable) and not isinstance(tf.constant(1.0), tf.Variable)
    with tf.Graph().as_default():
        assert isinstance(tf.Variable(1.0), tf.Variable)
    assert v.shape.as_list() == [] and v.dtype is tf.float32 and v.name == "Variable:0"
    assert tf.Variable(3).dtype is tf.int32
    assert tf.Variable(lambda: tf.ones([2])).shape.as_list() == [2]
    with pytest.raises(ValueError, match="initial_value"):
        tf.Variable()


def test_only_trained_variables_are_watched():
    v = tf.Variable(2.0, trainable=False)
    with tf.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v) is None
    v.trainable = True
    with tf.GradientTape() as tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 4.0


def test_a_copy_is_another_variable():
    v = tf.Variable([1.0], name="a")
    other = copy.deepcopy(v)
    other.assign([5.0])
    assert v.numpy() == 1.0 and other.name == "a:0"


class Model(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.b = tf.Variable(1.0)
        self.parts = [tf.Variable(2.0), {"k": tf.Variable(3.0, trainable=False)}]
        self.inner = None

    @tf.Module.with_name_scope
    def __call__(self, x):
        if not hasattr(self, "w"):
            self.w = tf.Variable(4.0, name="w")
        return x * self.w


def test_a_module_finds_its_variables_in_order_of_name():
    model = Model()
    model.inner = Model("inner")
    assert float(model(2.0)) == 8.0
    assert [float(v) for v in model.variables] == [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0]
    assert len(model.trainable_variables) == 5
    assert [m.name for m in model.submodules] == ["inner"]
    assert (model.w.name, model.name) == ("model/w:0", "model")
    with pytest.raises(ValueError, match="not a valid module name"):
        Model("a b")


def test_a_function_runs_as_python_with_arrays_as_tensors():
    kinds = []

    @tf.function
    def double(x, scale=2.0):
        kinds.append(type(x))
        return x * scale

    assert double(np.array([1.0, 2.0], "float32")).numpy().tolist() == [2.0, 4.0]
    assert double(tf.constant(3), scale=3).numpy() == 9
    assert all(issubclass(k, tf.Tensor) for k in kinds)

    class Owner:
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def total(self, x):
            return tf.reduce_sum(x)

    assert float(Owner().total([1.0, 2.0])) == 3.0
    with pytest.raises(TypeError, match="input_signature"):
        Owner().total(tf.ones([2, 2]))
    assert double.get_concrete_function()(tf.constant(1.0)).numpy() == 2


def test_random_numbers_follow_from_seeds():
    tf.random.set_seed(5)
    first = [tf.random.uniform([3]).numpy() for _ in range(2)]
    tf.random.set_seed(5)
    again = [tf.random.uniform([3]).numpy() for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    a = tf.random.Generator.from_seed(1).normal([2])
    assert (a == tf.random.Generator.from_seed(1).normal([2])).numpy().all()
    b = tf.random.stateless_uniform([2], seed=[1, 2])
    assert (b == tf.random.stateless_uniform([2], seed=[1, 2])).numpy().all()


def test_random_numbers_have_the_asked_for_distribution():
    tf.random.set_seed(0)
    normal = tf.random.normal([20000], mean=3.0, stddev=2.0).numpy()
    assert abs(normal.mean() - 3) < 0.1 and abs(normal.std() - 2) < 0.1
    truncated = tf.random.truncated_normal([5000]).numpy()
    assert np.abs(truncated).max() <= 2
    whole = tf.random.uniform([1000], 5, 8, dtype=tf.int32).numpy()
    assert set(whole.tolist()) == {5, 6, 7}
    drawn = tf.random.categorical(tf.math.log([[0.0, 1.0, 0.0]]), 4)
    assert drawn.numpy().tolist() == [[1, 1, 1, 1]]
    assert sorted(tf.random.shuffle(tf.range(5)).numpy().tolist()) == [0, 1, 2, 3, 4]
