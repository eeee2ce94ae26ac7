"""Checkpoints in TensorFlow's files: our own, and those that TensorFlow wrote."""

from pathlib import Path

import numpy as np
import pytest

from tricord import tensorflow as tf
from tricord.serialize.tensor_bundle import load_bundle

v1 = tf.compat.v1
GOLDEN = Path(__file__).parent / "golden"


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([0.0, 0.0], name="w")
        self.parts = [tf.Variable(0.0), tf.Variable(0)]
        self.table = {"a": tf.Variable(0.0)}


def numbers(model):
    return [model.w.numpy().tolist(), float(model.parts[0]), int(model.parts[1]),
            float(model.table["a"])]


def test_objects_that_tensorflow_saved():
    model, step = Model(), tf.Variable(0)
    tf.train.Checkpoint(model=model, step=step).read(
        str(GOLDEN / "objects-2.21")).assert_consumed()
    assert (numbers(model), int(step)) == ([[1.0, 2.0], 3.0, 4, 5.0], 7)


def test_the_description_of_the_objects_is_tensorflows(tmp_path):
    """Byte for byte: the same objects, saved by TensorFlow and here."""
    model = Model()
    path = tf.train.Checkpoint(model=model, step=tf.Variable(7)).write(str(tmp_path / "own"))
    theirs, ours = load_bundle(GOLDEN / "objects-2.21"), load_bundle(path)
    assert list(theirs) == list(ours)


def test_variables_that_tensorflow_saved():
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("layer"):
            kernel = v1.get_variable("kernel", [3, 2])
        step = v1.get_variable("step", [], tf.int64)
        v1.train.Saver().restore(session, str(GOLDEN / "saver-2.21"))
        np.testing.assert_array_equal(session.run(kernel), np.arange(6).reshape(3, 2))
        assert int(session.run(step)) == 7


def test_a_checkpoint_comes_back(tmp_path):
    model = Model()
    model.w.assign([1.0, 2.0])
    model.parts[1].assign(4)
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "ckpt"))
    assert path.endswith("ckpt-1") and tf.train.latest_checkpoint(str(tmp_path)) == path
    other = Model()
    tf.train.Checkpoint(model=other).restore(path).assert_consumed()
    assert numbers(other) == numbers(model)


def test_what_does_not_fit_is_said(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(str(tmp_path / "c"))
    status = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]), w=tf.Variable(1.0)).read(path)
    with pytest.raises(RuntimeError, match="No checkpointed value for w"):
        status.assert_existing_objects_matched()
    with pytest.raises(RuntimeError, match="Unresolved object"):
        tf.train.Checkpoint(other=tf.Variable(1.0)).read(path).expect_partial() and (
            tf.train.Checkpoint().read(path).assert_consumed())
    with pytest.raises(ValueError, match=r"\[3\].*\[2\]"):
        tf.train.Checkpoint(v=tf.Variable([0.0, 0.0, 0.0])).read(path)
    with pytest.raises(tf.errors.NotFoundError, match=r"(?s)Failed to find.*c"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).read(str(tmp_path / "d"))


def test_a_manager_keeps_the_newest(tmp_path):
    v = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), str(tmp_path), max_to_keep=2)
    for value in (1.0, 2.0, 3.0):
        v.assign(value)
        manager.save()
    assert [Path(p).name for p in manager.checkpoints] == ["ckpt-2", "ckpt-3"]
    assert not list(tmp_path.glob("ckpt-1*"))
    v.assign(0.0)
    again = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), str(tmp_path), max_to_keep=2)
    assert Path(again.restore_or_initialize()).name == "ckpt-3"
    assert float(v) == 3.0


def test_a_saver_writes_and_reads_the_variables_of_a_session(tmp_path):
    def build():
        w = v1.get_variable("w", [2], initializer=v1.ones_initializer())
        return w, v1.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w)), v1.train.Saver()

    with tf.Graph().as_default(), v1.Session() as session:
        _, train, saver = build()
        session.run(v1.global_variables_initializer())
        session.run(train)
        for step in range(7):
            path = saver.save(session, str(tmp_path / "model"), global_step=step)
        expected = session.run(v1.global_variables())
    assert v1.train.latest_checkpoint(str(tmp_path)) == path
    assert len(list(tmp_path.glob("*.index"))) == 5
    with tf.Graph().as_default(), v1.Session() as session:
        _, train, saver = build()
        saver.restore(session, path)
        for found, value in zip(session.run(v1.global_variables()), expected, strict=True):
            np.testing.assert_array_equal(found, value)
        session.run(train)
    assert dict(v1.train.list_variables(path))["w/Adam"] == [2]
    assert v1.train.load_variable(path, "w").shape == (2,)


def test_a_saver_names_what_is_missing(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("weights", [2])
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver().save(session, str(tmp_path / "m"))
        with pytest.raises(ValueError, match="doesn't exist"):
            v1.train.Saver().save(session, str(tmp_path / "no" / "m"))
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("weight", [2])
        with pytest.raises(tf.errors.NotFoundError, match=r"(?s)Key weight not.*'weights'"):
            v1.train.Saver().restore(session, path)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("weights", [3])
        with pytest.raises(ValueError, match=r"\[3\].*\[2\]"):
            v1.train.Saver().restore(session, path)
