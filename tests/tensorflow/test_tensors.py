"""Eager tensors: they never change, are strict about dtypes, and print as TensorFlow's do."""

import numpy as np
import pytest

from tricord import tensorflow as tf
from tricord import torch
from tricord.errors import DTypeError, ShapeError
from tricord.tensor import Tensor


@pytest.mark.parametrize(("value", "dtype"), [
    (1, "int32"), (1.0, "float32"), (True, "bool"), ([1, 2.0], "float32"), (2**40, "int64"),
    (np.float64(1), "float64"), (np.arange(2), "int64"), (1j, "complex128"),
    ([np.float32(1)], "float32"), ([[1], [2]], "int32"), ([], "float32")])
def test_python_numbers_and_arrays_have_tensorflows_dtypes(value, dtype):
    assert tf.constant(value).dtype.name == dtype


def test_an_operator_in_place_makes_a_new_tensor():
    x = tf.constant([1.0, 2.0])
    y = x
    x += 1
    x *= 2.0
    assert x.numpy().tolist() == [4.0, 6.0]
    assert y.numpy().tolist() == [1.0, 2.0]


def test_an_element_cannot_be_assigned_to():
    x = tf.constant([1, 2])
    with pytest.raises(TypeError, match="does not support item assignment"):
        x[0] = 3


def test_every_tensor_of_tricord_is_a_tf_tensor():
    assert isinstance(torch.ones(2), tf.Tensor)
    assert isinstance(tf.constant(1.0), Tensor)
    assert not isinstance(np.ones(2), tf.Tensor)


def test_a_tensor_of_another_face_works_here():
    x = torch.ones(2, requires_grad=True)
    y = tf.reduce_sum(x * tf.constant([2.0, 3.0]))
    y.backward()
    assert x.grad.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("call", [
    lambda: tf.constant(1) + tf.constant(1.0),
    lambda: tf.constant(1) + 1.5,
    lambda: tf.constant(1.0) * tf.constant(1.0, dtype=tf.float64),
    lambda: tf.matmul(tf.ones([2, 2]), tf.ones([2, 2], tf.float64)),
    lambda: tf.concat([tf.ones([2]), tf.ones([2], tf.int32)], 0),
    lambda: tf.sqrt(tf.constant(4)),
    lambda: tf.nn.softmax(tf.constant([1, 2])),
])
def test_dtypes_are_never_promoted(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_numbers_and_arrays_take_the_dtype_of_the_tensor_beside_them():
    x = tf.constant([1.0, 2.0])
    for result in (x + np.array([1.0, 2.0]), np.array([1.0, 2.0]) + x, 2 - x, x * np.float64(2)):
        assert isinstance(result, tf.Tensor)
        assert result.dtype is tf.float32
    assert (tf.constant(5) / 2).dtype is tf.float64
    assert (tf.constant(5) // 2).numpy() == 2
    assert (tf.constant(-7) % 3).numpy() == 2


def test_comparisons_give_tensors():
    assert (tf.constant([1, 2]) == [1, 3]).numpy().tolist() == [True, False]
    assert (tf.constant(1) != 1).dtype is tf.bool


def test_indexing():
    x = tf.reshape(tf.range(24), [2, 3, 4])
    assert x[tf.constant(1), 0, 0].numpy() == 12
    assert x[:, tf.newaxis, 0].shape.as_list() == [2, 1, 4]
    assert x[..., ::-1][0, 0].numpy().tolist() == [3, 2, 1, 0]
    assert x[x > 20].numpy().tolist() == [21, 22, 23]
    with pytest.raises(tf.errors.InvalidArgumentError):
        x[5]
    with pytest.raises(TypeError, match="valid indices"):
        x[[0, 1]]


def test_shapes_answer_tensorflows_questions():
    shape = tf.ones([2, 3]).shape
    assert shape.rank == 2 and shape.ndims == 2 and shape.as_list() == [2, 3]
    assert shape.is_fully_defined() and shape.num_elements() == 6
    assert isinstance(shape, tf.TensorShape)
    unknown = tf.TensorShape([None, 3])
    assert unknown.is_compatible_with(shape) and not unknown.is_fully_defined()
    assert unknown.merge_with([2, None]) == [2, 3]
    assert tf.TensorShape(None).rank is None
    with pytest.raises(ValueError, match="incompatible"):
        unknown.assert_is_compatible_with([2, 4])


def test_a_tensor_prints_as_in_tensorflow():
    assert str(tf.constant([1.0, 2.0])) == "tf.Tensor([1. 2.], shape=(2,), dtype=float32)"
    assert repr(tf.constant(1)) == "<tf.Tensor: shape=(), dtype=int32, numpy=1>"
    pending = tf.constant([1.0]) * 2.0
    assert "pending" in repr(pending)
    assert repr(tf.Variable(1.0, name="q")) == (
        "<tf.Variable 'q:0' shape=() dtype=float32, numpy=1.0>")


def test_scalars_become_python_and_numpy_numbers():
    assert f"{tf.constant(1.23456):.2f}" == "1.23"
    assert int(tf.constant(3.7)) == 3
    assert isinstance(tf.constant(1.0).numpy(), np.float32)
    with pytest.raises(TypeError, match="one element"):
        float(tf.constant([1.0, 2.0]))
    with pytest.raises(ValueError):
        bool(tf.constant([1, 2]))


def test_lists_of_tensors_are_packed():
    x = tf.constant(1.0)
    assert tf.convert_to_tensor([[x, 2.0], [3.0, x]]).numpy().tolist() == [[1, 2], [3, 1]]
    with pytest.raises(ShapeError, match="non-rectangular"):
        tf.constant([[1, 2], [3]])
    with pytest.raises(DTypeError, match="strings"):
        tf.constant("text")


def test_a_conversion_to_another_dtype_is_refused():
    with pytest.raises(ValueError, match="requested dtype float64 for Tensor with dtype float32"):
        tf.convert_to_tensor(tf.constant(1.0), tf.float64)
    with pytest.raises(TypeError, match="does not fit"):
        tf.constant(300, tf.uint8)


@pytest.mark.parametrize(("call", "hint"), [
    (lambda: tf.reduce_sum([1.0], axs=0), "axis"),
    (lambda: tf.GradientTape(persistant=True), "persistent"),
    (lambda: tf.Variable(1.0, trainabel=False), "trainable"),
    (lambda: tf.data.Dataset.range(3).batch(2, drop_reminder=True), "drop_remainder"),
    (lambda: tf.compat.v1.get_variable("a", shap=[1]), "shape"),
    (lambda: tf.compat.v1.train.AdamOptimizer(lerning_rate=1), "learning_rate"),
    (lambda: tf.function(jit_compil=True), "jit_compile"),
    (lambda: tf.compat.v1.losses.mean_squared_error([1.0], [2.0], weight=1), "weights"),
    (lambda: tf.random.Generator.from_seed(1).normal([2], men=0.0), "mean"),
])
def test_an_unknown_keyword_is_answered_with_the_nearest(call, hint):
    with pytest.raises(TypeError, match=f"did you mean '{hint}'"):
        call()


@pytest.mark.parametrize(("module", "name", "hint"), [
    (tf, "matmull", "matmul"), (tf.nn, "rel", "relu"), (tf.math, "reduce_summ", "reduce_sum"),
    (tf.data, "Datasett", "Dataset"), (tf.compat.v1, "varable_scope", "variable_scope"),
    (tf.compat.v1.train, "AdamOptimiser", "AdamOptimizer"),
    (tf, "placeholder", "tf.compat.v1.placeholder"), (tf.train, "Saver", "tf.compat.v1.train"),
])
def test_an_unknown_name_is_answered_with_the_nearest(module, name, hint):
    with pytest.raises(AttributeError, match=f"(?s){name}.*hint: .*{hint}"):
        getattr(module, name)


def test_keras_is_the_same_package():
    from tricord import keras

    assert tf.keras is keras


@pytest.mark.parametrize("call", [
    lambda: tf.summary.scalar("loss", 1.0), lambda: tf.saved_model.save(None, "x"),
    lambda: tf.io.read_file("x"), lambda: tf.compat.v1.summary.FileWriter("x")])
def test_what_is_not_offered_says_what_to_use(call):
    with pytest.raises(NotImplementedError, match="hint"):
        call()
