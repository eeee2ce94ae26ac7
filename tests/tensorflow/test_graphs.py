"""Graphs and sessions: shapes that are partly unknown, names, order, errors."""

import numpy as np
import pytest

from tricord import tensorflow as tf
from tricord.tensor.recorder import state

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as opened:
        yield opened


def sizes(tensor):
    return None if tensor.shape.rank is None else tensor.shape.as_list()


def test_unknown_sizes_stay_unknown_and_known_ones_are_worked_out(session):
    x = v1.placeholder(tf.float32, [None, 28, 28, 1])
    kernel = v1.get_variable("kernel", [3, 3, 1, 4])
    convolved = tf.nn.conv2d(x, kernel, strides=2, padding="SAME")
    assert sizes(convolved) == [None, 14, 14, 4]
    assert sizes(tf.nn.max_pool2d(convolved, 2, 2, "VALID")) == [None, 7, 7, 4]
    assert sizes(tf.reshape(x, [-1, 784])) == [None, 784]
    assert sizes(tf.shape(x)) == [4]
    assert sizes(tf.reshape(x, tf.stack([tf.shape(x)[0], 14, 56]))) == [None, 14, 56]
    assert sizes(tf.reduce_mean(x)) == []
    assert sizes(tf.concat([x, x], 0)) == [None, 28, 28, 1]


def test_an_unknown_rank(session):
    x = v1.placeholder(tf.float32)
    assert sizes(x * 2.0) is None
    assert sizes(tf.reduce_sum(x)) == []
    product = tf.matmul(x, tf.ones([3, 2]))
    assert product.dtype is tf.float32
    assert session.run(product, {x: np.ones((1, 3))}).tolist() == [[3.0, 3.0]]
    x.set_shape([None, 3])
    assert sizes(x * 2.0) == [None, 3]


def test_a_size_that_only_fits_what_stands_beside_it(session):
    x = v1.placeholder(tf.float32, [None])
    total = x + tf.ones([5])
    assert sizes(total) == [5]
    assert session.run(total, {x: [1.0]}).tolist() == [2.0] * 5
    assert sizes(tf.reshape(x, [2, 3])) == [2, 3]


def test_masks_and_places_have_unknown_lengths(session):
    x = v1.placeholder(tf.float32, [4, 2])
    held = x[:, 0] > 0
    masked, places = tf.boolean_mask(x, held), tf.where(held)
    found = session.run([masked, places], {x: [[1, 2], [-1, 3], [4, 5], [-2, 0]]})
    assert found[0].tolist() == [[1, 2], [4, 5]]
    assert found[1].tolist() == [[0], [2]]


def test_names_follow_scopes(session):
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="a")
    with tf.name_scope("s"):
        c = tf.add(a, b, name="c")
    with tf.name_scope("s"):
        d = tf.add(a, b, name="c")
    with v1.variable_scope("v"):
        w = v1.get_variable("w", [2])
        with v1.variable_scope("in"):
            inner = v1.get_variable("w", [2])
    assert [t.name for t in (a, b, c, d, w, inner)] == [
        "a:0", "a_1:0", "s/c:0", "s_1/c:0", "v/w:0", "v/in/w:0"]
    assert session.run("s/c:0") == 3.0
    assert session.graph.get_tensor_by_name("a:0") is a
    with pytest.raises(KeyError, match=r"(?s)s/d.*did you mean"):
        session.run("s/d:0")


def test_variables_are_shared_by_reuse_only(session):
    with v1.variable_scope("layer"):
        w = v1.get_variable("w", [2])
    with v1.variable_scope("layer", reuse=True):
        assert v1.get_variable("w", [2]) is w
        with pytest.raises(ValueError, match="does not exist"):
            v1.get_variable("b", [2])
    with v1.variable_scope("layer", reuse=v1.AUTO_REUSE):
        assert v1.get_variable("w") is w
        v1.get_variable("b", [2])
    with v1.variable_scope("layer"), pytest.raises(ValueError, match="already exists"):
        v1.get_variable("w", [2])
    assert [v.name for v in v1.trainable_variables("layer")] == ["layer/w:0", "layer/b:0"]


def test_what_changes_nothing_is_fetched_from_before_the_change(session):
    v = v1.Variable(1.0)
    session.run(v1.global_variables_initializer())
    bump = v.assign_add(1.0)
    assert [float(x) for x in session.run([bump, v * 10.0])] == [2.0, 10.0]
    with tf.control_dependencies([bump]):
        after = v.read_value() * 10.0
    assert float(session.run(after)) == 30.0
    assert session.run(tf.group(v.assign(0.0))) is None
    assert float(session.run(v)) == 0.0


def test_loops_and_branches_depend_on_what_is_fed(session):
    n, w = v1.placeholder(tf.int32, []), tf.constant(3.0)
    count, power = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * w),
                                 [tf.constant(0), tf.constant(1.0)])
    chosen = tf.cond(n > 3, lambda: w * 2.0, lambda: w - 1.0)
    slope = tf.gradients(power, w)[0]
    assert [float(x) for x in session.run([count, power, slope, chosen], {n: 3})] == [
        3.0, 27.0, 27.0, 2.0]
    assert float(session.run(chosen, {n: 5})) == 6.0


def test_a_branch_may_assign(session):
    v, flag = v1.Variable(0.0), v1.placeholder(tf.bool, [])
    chosen = tf.cond(flag, lambda: v.assign(5.0), lambda: v.assign_sub(1.0))
    session.run(v1.global_variables_initializer())
    assert float(session.run(chosen, {flag: False})) == -1.0
    assert float(session.run(chosen, {flag: True})) == 5.0
    assert float(session.run(v)) == 5.0


def test_gradients_of_gradients(session):
    x = v1.placeholder(tf.float32, [])
    y = x ** 3
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    assert [float(v) for v in session.run([first, second], {x: 2.0})] == [12.0, 12.0]


def test_gradients_that_are_not_there_are_none(session):
    x = tf.constant([1.0, 2.0])
    y = x * x
    assert tf.gradients(y, tf.constant(1.0)) == [None]
    assert tf.gradients(tf.stop_gradient(y), x) == [None]
    assert tf.gradients(tf.floor(x), x) == [None]
    assert tf.gradients(tf.argmax(x), x) == [None]
    through = tf.gradients(tf.reduce_sum(y * 3.0), y)[0]
    assert session.run(through).tolist() == [3.0, 3.0]
    weighted = tf.gradients(y, x, grad_ys=[tf.constant([2.0, 3.0])])[0]
    assert session.run(weighted).tolist() == [4.0, 12.0]


def test_any_tensor_can_be_fed(session):
    x = tf.constant(2.0)
    y = x * 3.0
    z = y + 1.0
    assert float(session.run(z, {y: 10.0})) == 11.0
    assert float(session.run(z, {x: 1.0})) == 4.0
    v = v1.Variable(1.0)
    assert float(session.run(v * 2.0, {v: 4.0})) == 8.0


def test_random_numbers_are_drawn_at_each_run_and_follow_from_the_seed():
    def draws():
        with tf.Graph().as_default(), v1.Session() as session:
            v1.set_random_seed(3)
            x = tf.random.normal([4])
            dropped = tf.nn.dropout(tf.ones([64]), rate=0.5)
            return [session.run([x, dropped]) for _ in range(2)]

    first, second = draws()
    assert (first[0] != second[0]).any() and (first[1] != second[1]).any()
    again = draws()
    for before, after in zip([*first, *second], [*again[0], *again[1]], strict=True):
        np.testing.assert_array_equal(before, after)


def test_one_value_within_a_run(session):
    x = tf.random.uniform([])
    a, b = session.run([x + 1.0, x + 1.0])
    assert a == b


def test_a_python_function_runs_each_time(session):
    seen = []
    x = v1.placeholder(tf.float32, [2])
    y = v1.py_func(lambda a: seen.append(a.tolist()) or a[::-1].copy(), [x], tf.float32)
    assert session.run(y, {x: [1, 2]}).tolist() == [2, 1]
    assert session.run(y, {x: [3, 4]}).tolist() == [4, 3]
    assert seen == [[1, 2], [3, 4]]


def test_printing_happens_when_it_is_computed(session, capsys):
    x = v1.placeholder(tf.float32, [])
    shown = v1.Print(x, [x * 2.0], message="twice: ")
    assert capsys.readouterr().err == ""
    for value in (1.0, 3.0):
        session.run(shown, {x: value})
        assert capsys.readouterr().err == f"twice: [{2 * value:g}]\n"


def test_assertions_in_a_graph(session):
    x = v1.placeholder(tf.float32, [])
    with tf.control_dependencies([tf.debugging.assert_positive(x)]):
        y = tf.sqrt(x)
    assert float(session.run(y, {x: 4.0})) == 2.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(y, {x: -1.0})


def test_a_fetch_is_one_program_from_the_second_run_on(session):
    x = v1.placeholder(tf.float32, [None, 3])
    w = v1.get_variable("w", [3, 2])
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    train = v1.train.AdamOptimizer(0.01).minimize(loss)
    session.run(v1.global_variables_initializer())
    batch = np.ones((4, 3), "float32")
    session.run([train, loss], {x: batch})
    built = state.programs_built
    losses = [float(session.run([train, loss], {x: batch})[1]) for _ in range(5)]
    assert state.programs_built == built
    assert losses == sorted(losses, reverse=True)


def test_an_unknown_size_at_another_length_is_another_program(session):
    x = v1.placeholder(tf.float32, [None])
    y = tf.reduce_sum(x)
    for n in (1, 2, 5, 2):
        assert float(session.run(y, {x: np.ones(n)})) == n


def test_a_graph_cannot_be_mixed_with_another(session):
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(2.0)
        with pytest.raises(ValueError, match="one graph"):
            x + y
    with pytest.raises(ValueError, match="not an element of this graph"):
        session.run(y)


def test_a_finalized_graph_takes_nothing_more(session):
    session.graph.finalize()
    with pytest.raises(RuntimeError, match="finalized"):
        tf.constant(1.0)


def test_a_symbolic_tensor_has_no_value(session):
    x = tf.constant(1.0)
    for ask in (bool, float, np.asarray):
        with pytest.raises(TypeError):
            ask(x)
    with pytest.raises(AttributeError):
        x.numpy()


def test_graphs_belong_to_one_thread_only():
    import threading

    with tf.Graph().as_default():
        found = []
        thread = threading.Thread(target=lambda: found.append(tf.executing_eagerly()))
        thread.start()
        thread.join()
        assert found == [True] and not tf.executing_eagerly()


def test_eager_execution_can_be_switched_off_and_on_again():
    v1.disable_eager_execution()
    try:
        x = tf.constant(1.0)
        with v1.Session() as session:
            assert session.run(x + 1.0) == 2.0
    finally:
        v1.enable_eager_execution()
        v1.reset_default_graph()
    assert tf.constant(1.0).numpy() == 1.0


def test_an_eager_variable_is_read_anew_in_each_run():
    outside = tf.Variable(1.0)
    with tf.Graph().as_default(), v1.Session() as session:
        y = tf.constant(2.0) * outside
        assert float(session.run(y)) == 2.0
    outside.assign(5.0)
    with tf.Graph().as_default(), v1.Session() as session:
        y = tf.constant(2.0) * outside
        first = float(session.run(y))
        outside.assign(7.0)
        assert (first, float(session.run(y))) == (10.0, 14.0)


def test_data_sets_in_a_graph(session):
    numbers = tf.data.Dataset.range(5).batch(2)
    following = v1.data.make_one_shot_iterator(numbers).get_next()
    assert sizes(following) == [None]
    found = [session.run(following).tolist() for _ in range(3)]
    assert found == [[0, 1], [2, 3], [4]]
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(following)
    iterator = v1.data.make_initializable_iterator(numbers)
    doubled = iterator.get_next() * 2
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(doubled)
    for _ in range(2):
        session.run(iterator.initializer)
        assert session.run(doubled).tolist() == [0, 2]
