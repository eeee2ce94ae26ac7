"""tf.* functions, variables, tapes, data sets and optimizers.

TensorFlow is not installed where the tests run: its answers are kept in ``golden/tensorflow.json``,
written by `regenerate_tensorflow`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, bools, distinct, integers, normal, positive, spd, uniform


def plain(name: str, *inputs: Any, **options: Any) -> Case:
    """``tf.<first word>(*inputs, **options)``; dots lead into submodules."""
    path = name.split()[0].split(".")

    def call(tf: Any, *tensors: Any) -> Any:
        found = tf
        for part in path:
            found = getattr(found, part)
        return found(*tensors, **options)
    return Case(name, call, *inputs)


FUNCTIONS = [
    *[plain(name, distinct(3, 4)) for name in [
        "abs", "exp", "sin", "cos", "tan", "tanh", "sigmoid", "square", "negative", "sign",
        "floor", "math.ceil", "round", "math.erf", "math.softplus", "nn.relu", "nn.relu6",
        "nn.elu", "nn.selu", "nn.leaky_relu", "nn.gelu", "nn.silu", "nn.softmax",
        "nn.log_softmax", "nn.softsign", "nn.tanh", "nn.sigmoid", "reduce_sum", "reduce_mean",
        "reduce_max", "reduce_min", "reduce_prod", "math.reduce_std", "math.reduce_variance",
        "reduce_logsumexp", "argmax", "argmin", "transpose", "zeros_like", "ones_like", "sort",
        "argsort", "cumsum", "identity", "stop_gradient", "size", "rank", "shape",
        "math.is_nan", "norm", "nn.l2_loss", "math.expm1", "sinh", "cosh", "atan",
        "math.is_finite", "squeeze", "linalg.norm"]],
    *[plain(name, positive(3, 4)) for name in ["math.log", "sqrt", "math.rsqrt", "math.log1p",
                                               "math.reciprocal", "math.lgamma"]],
    *[plain(f"{name} of two", normal(3, 4), positive(4)) for name in [
        "add", "subtract", "multiply", "divide", "maximum", "minimum", "math.floormod",
        "math.floordiv", "less", "greater", "equal", "not_equal", "less_equal", "greater_equal",
        "math.squared_difference", "truediv", "math.atan2", "math.divide_no_nan"]],
    plain("pow", positive(3, 4), normal(4)),
    *[plain(f"{name} of bools", bools(5), bools(5)) for name in
      ["logical_and", "logical_or", "math.logical_xor"]],
    plain("logical_not", bools(5)),
    plain("reduce_all", bools(3, 4)), plain("reduce_any", bools(3, 4), axis=1),
    plain("reduce_sum axis", normal(2, 3, 4), axis=1, keepdims=True),
    plain("reduce_sum axes", normal(2, 3, 4), axis=[0, 2]),
    plain("reduce_mean axis", normal(2, 3, 4), axis=-1),
    plain("reduce_sum of integers", integers(0, 9, 3, 4)),
    plain("reduce_mean of integers", integers(0, 9, 3, 4)),
    plain("argmax axis", distinct(3, 4), axis=1),
    plain("argmax output_type", distinct(3, 4), axis=1, output_type="int32"),
    plain("math.top_k", distinct(3, 5), k=2),
    plain("math.cumprod", positive(3, 4), axis=1),
    plain("cumsum exclusive", normal(3, 4), axis=1, exclusive=True, reverse=True),
    plain("sort descending", distinct(3, 4), axis=0, direction="DESCENDING"),
    plain("clip_by_value", normal(3, 4), clip_value_min=-0.5, clip_value_max=0.5),
    plain("clip_by_norm", normal(3, 4), clip_norm=1.0),
    Case("clip_by_global_norm", lambda tf, x, y: tf.clip_by_global_norm([x, y], 1.0),
         normal(3), normal(4)),
    plain("where", bools(3, 4), normal(3, 4), normal(3, 4)),
    plain("where of one", bools(6)),
    plain("matmul", normal(3, 4), normal(4, 5)),
    plain("matmul transposed", normal(4, 3), normal(5, 4), transpose_a=True, transpose_b=True),
    plain("matmul batched", normal(2, 3, 4), normal(2, 4, 5)),
    plain("linalg.matvec", normal(3, 4), normal(4)),
    plain("tensordot", normal(3, 4), normal(4, 5), axes=1),
    Case("einsum", lambda tf, x, y: tf.einsum("ij,jk->ik", x, y), normal(3, 4), normal(4, 2)),
    plain("linalg.inv", spd(3, 3)), plain("linalg.det", spd(3, 3)),
    plain("linalg.solve", spd(3, 3), normal(3, 2)), plain("linalg.cholesky", spd(3, 3)),
    plain("linalg.diag", normal(3)), plain("linalg.diag_part", normal(3, 3)),
    plain("linalg.trace", normal(3, 3)), plain("linalg.band_part", normal(4, 4), num_lower=-1,
                                               num_upper=0),
    plain("reshape", normal(2, 6), shape=[3, -1]),
    plain("transpose perm", normal(2, 3, 4), perm=[2, 0, 1]),
    plain("expand_dims", normal(2, 3), axis=1),
    plain("squeeze axis", normal(2, 1, 3), axis=1),
    plain("tile", normal(2, 3), multiples=[2, 2]),
    plain("repeat", normal(2, 3), repeats=2, axis=1),
    plain("broadcast_to", normal(1, 3), shape=[2, 3]),
    plain("reverse", normal(2, 3), axis=[1]),
    plain("roll", normal(2, 3), shift=1, axis=1),
    plain("pad", normal(2, 3), paddings=[[1, 0], [0, 2]]),
    plain("pad reflect", normal(3, 3), paddings=[[1, 1], [1, 0]], mode="REFLECT"),
    plain("slice", normal(4, 5), begin=[1, 2], size=[2, 3]),
    plain("split", normal(4, 3), num_or_size_splits=2),
    plain("split sizes", normal(4, 3), num_or_size_splits=[1, 2], axis=1),
    plain("unstack", normal(2, 3)),
    Case("concat", lambda tf, x, y: tf.concat([x, y], axis=1), normal(2, 3), normal(2, 4)),
    Case("stack", lambda tf, x, y: (tf.stack([x, y]), tf.stack([x, y], axis=1)), normal(2, 3),
         normal(2, 3)),
    plain("gather", normal(5, 3), integers(0, 5, 4)),
    plain("gather axis", normal(3, 5), integers(0, 5, 4), axis=1),
    plain("gather batch_dims", normal(3, 5), integers(0, 5, 3, 2), batch_dims=1),
    plain("gather_nd", normal(3, 4), np.array([[0, 1], [2, 3]])),
    plain("boolean_mask", normal(6, 2), np.array([True, False, True, True, False, False])),
    plain("one_hot", integers(0, 5, 4), depth=5),
    plain("one_hot values", integers(0, 5, 4), depth=5, on_value=2.0, off_value=-1.0),
    plain("tensor_scatter_nd_update", normal(4, 3), np.array([[1], [3]]), normal(2, 3)),
    plain("tensor_scatter_nd_add", normal(4), np.array([[1], [3], [1]]), normal(3)),
    plain("scatter_nd", np.array([[1], [3]]), normal(2, 3), np.array([5, 3])),
    plain("math.segment_sum", normal(4, 2), np.array([0, 0, 1, 2])),
    plain("math.unsorted_segment_sum", normal(4), np.array([2, 0, 0, 1]), num_segments=3),
    plain("sequence_mask", integers(0, 4, 3), maxlen=4),
    plain("math.bincount", integers(0, 4, 9)),
    plain("math.confusion_matrix", integers(0, 3, 9), integers(0, 3, 9)),
    Case("cast", lambda tf, x: (tf.cast(x, tf.int32), tf.cast(x, tf.float64), tf.cast(x, "bool")),
         normal(4)),
    Case("creation", lambda tf: (tf.zeros([2, 3]), tf.ones([2], dtype=tf.int32), tf.fill([2], 3.5),
                                 tf.eye(3), tf.range(5), tf.range(0.0, 1.0, 0.25),
                                 tf.linspace(0.0, 1.0, 5), tf.constant([1, 2]), tf.constant(1.5),
                                 tf.constant([[1.0]], dtype=tf.float64), tf.constant(True),
                                 tf.constant(2.0, shape=[2, 2]),
                                 tf.convert_to_tensor(np.arange(3.0)))),
    Case("operators", lambda tf, x, y: (x + y, x - 1.0, 2.0 * x, x / y, x ** 2, -x, y // 0.3,
                                        y % 0.3, abs(x)), normal(3, 4), positive(3, 4)),
    Case("comparison operators", lambda tf, x, y: (x > 0, x <= y, x == y, x != y),
         normal(4), normal(4)),
    Case("matmul operator", lambda tf, x, y: x @ y, normal(2, 3), normal(3, 4)),
    Case("indexing", lambda tf, x: (x[0], x[:, 1], x[..., tf.newaxis], x[1:, ::2], x[-1, 2]),
         normal(3, 4)),
    Case("attributes", lambda tf, x: [tuple(x.shape), x.shape[0], x.dtype.name, x.shape.rank,
                                      x.shape.as_list(), len(x.shape)], normal(3, 4)),
    Case("random shapes", lambda tf: [
        (tuple(v.shape), v.dtype.name) for v in (
            tf.random.normal([2, 3]), tf.random.uniform([4]),
            tf.random.uniform([2], maxval=5, dtype=tf.int32), tf.random.truncated_normal([2]),
            tf.random.shuffle(tf.range(4)))]),
]

# Not run in a graph: results whose shape depends on values have no gradient in the harness there,
# and `==` between graph tensors compares identities.
EAGER_ONLY = {"boolean_mask", "scatter_nd", "math.segment_sum", "comparison operators",
              "random shapes"}

IMAGE = normal(2, 6, 7, 3)

NETWORK = [
    plain("nn.conv2d", IMAGE, normal(3, 3, 3, 4), strides=1, padding="SAME"),
    plain("nn.conv2d valid strided", IMAGE, normal(3, 3, 3, 4), strides=[1, 2, 2, 1],
          padding="VALID"),
    plain("nn.conv1d", normal(2, 9, 3), normal(3, 3, 4), stride=1, padding="SAME"),
    plain("nn.depthwise_conv2d", IMAGE, normal(3, 3, 3, 2), strides=[1, 1, 1, 1], padding="SAME"),
    plain("nn.conv2d_transpose", normal(2, 3, 3, 4), normal(3, 3, 2, 4),
          output_shape=[2, 6, 6, 2], strides=2, padding="SAME"),
    plain("nn.max_pool2d", distinct(2, 6, 7, 3), ksize=2, strides=2, padding="SAME"),
    plain("nn.max_pool", distinct(2, 6, 7, 3), ksize=2, strides=2, padding="VALID"),
    plain("nn.avg_pool2d", IMAGE, ksize=3, strides=2, padding="SAME"),
    plain("nn.bias_add", normal(2, 3), normal(3)),
    plain("nn.moments", normal(4, 3), axes=[0]),
    plain("nn.batch_normalization", normal(4, 3), normal(3), positive(3), normal(3), positive(3),
          variance_epsilon=1e-3),
    plain("nn.l2_normalize", normal(3, 4), axis=1),
    plain("nn.embedding_lookup", normal(5, 3), integers(0, 5, 4)),
    plain("nn.dropout", normal(3, 4), rate=0.0),
    Case("nn.softmax_cross_entropy_with_logits", lambda tf, x, y:
         tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x), normal(3, 4),
         uniform(0, 1, 3, 4).constant()),
    Case("nn.sparse_softmax_cross_entropy_with_logits", lambda tf, x, y:
         tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x), normal(3, 4),
         integers(0, 4, 3)),
    Case("nn.sigmoid_cross_entropy_with_logits", lambda tf, x, y:
         tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x), normal(3, 4),
         uniform(0, 1, 3, 4).constant()),
    Case("compat.v1.losses", lambda tf, x, y: (
        tf.compat.v1.losses.mean_squared_error(y, x),
        tf.compat.v1.losses.absolute_difference(y, x)), normal(3, 4), normal(3, 4)),
]

# ---- programs: run eagerly only, each returns tensors and plain values --------------------


def variables(tf: Any) -> Any:
    v = tf.Variable([1.0, 2.0], name="v")
    v.assign_add([1.0, 1.0])
    v.assign_sub([0.5, 0.5])
    inside = [v.numpy().tolist(), v.name.split(":")[0], v.dtype.name, tuple(v.shape), v.trainable]
    v.assign([5.0, 6.0])
    return inside, v * 2.0, v + v, tf.Variable(3).dtype.name, v.read_value(), v[0]


def tapes(tf: Any) -> Any:
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x + tf.sin(x)
    first = tape.gradient(y, x)
    with tf.GradientTape() as tape:
        z = x * x
    none = tape.gradient(z, [tf.Variable(1.0), x])
    with tf.GradientTape(persistent=True) as tape:
        a = x * x
        b = a * a
    pair = tape.gradient(b, x), tape.gradient(a, x)
    c = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(c)
        d = c * c
    jacobian = tape.jacobian(d, c)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        e = x * 2.0
    return first, none[0] is None, none[1], pair, jacobian, tape.gradient(e, x) is None


def second_order(tf: Any) -> Any:
    x = tf.Variable([1.0, -2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.reduce_sum(x ** 3)
        g = inner.gradient(y, x)
    return g, outer.gradient(g, x)


def custom_gradient(tf: Any) -> Any:
    @tf.custom_gradient
    def clipped(x: Any) -> Any:
        return x * 2.0, lambda upstream: upstream * 10.0

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = clipped(x)
    return y, tape.gradient(y, x)


def functions(tf: Any) -> Any:
    calls: list[int] = []

    @tf.function
    def double(x: Any) -> Any:
        calls.append(1)
        return x * 2

    counter = tf.Variable(0)

    @tf.function
    def count() -> Any:
        counter.assign_add(1)
        return counter

    count()
    count()
    first = double(tf.constant([1.0, 2.0]))
    double(tf.constant([3.0, 4.0]))
    return first, double(tf.constant(3)), counter.read_value()


def control_flow(tf: Any) -> Any:
    value = tf.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, v * 2.0),
                          [tf.constant(0), tf.constant(1.0)])
    return (value, tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2)),
            tf.map_fn(lambda v: v * 2.0, tf.constant([1.0, 2.0])),
            tf.scan(lambda a, v: a + v, tf.constant([1.0, 2.0, 3.0])))


def data_sets(tf: Any) -> Any:
    data = tf.data.Dataset.from_tensor_slices((np.arange(10), np.arange(10) * 0.5))
    batches = [(x.numpy().tolist(), y.numpy().tolist()) for x, y in data.batch(4)]
    chain = tf.data.Dataset.range(10).filter(lambda x: x % 2 == 0).map(lambda x: x * 3)
    return [batches, [int(x) for x in chain], [int(x) for x in chain.take(2)],
            [int(x) for x in chain.skip(3)], [int(x) for x in chain.take(2).repeat(2)],
            sorted(int(x) for x in chain.shuffle(10)), int(data.cardinality()), len(data),
            [x.numpy().tolist() for x in tf.data.Dataset.range(5).batch(2, drop_remainder=True)],
            [int(x) for x in tf.data.Dataset.range(3).prefetch(1).cache()],
            [int(a + b) for a, b in tf.data.Dataset.zip((tf.data.Dataset.range(3),
                                                         tf.data.Dataset.range(3)))],
            [(int(i), int(v)) for i, v in tf.data.Dataset.range(5, 7).enumerate()]]


def optimizers(tf: Any) -> Any:
    results = []
    for make in (tf.keras.optimizers.SGD, tf.keras.optimizers.Adam, tf.keras.optimizers.RMSprop,
                 tf.keras.optimizers.Adagrad):
        v = tf.Variable([1.0, -2.0])
        optimizer = make(learning_rate=0.1)
        for _ in range(5):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(v ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, v), v)])
        results.append(v.numpy())
        results.append(int(optimizer.iterations))
    return results


def modules(tf: Any) -> Any:
    class Linear(tf.Module):
        def __init__(self) -> None:
            super().__init__(name="linear")
            self.w = tf.Variable(tf.ones([2, 3]), name="w")
            self.b = tf.Variable(tf.zeros([3]), name="b", trainable=False)

        def __call__(self, x: Any) -> Any:
            return x @ self.w + self.b

    made = Linear()
    return made(tf.ones([1, 2])), len(made.variables), len(made.trainable_variables), made.name


PROGRAMS = [Case(f.__name__.replace("_", " "), f) for f in (
    variables, tapes, second_order, custom_gradient, functions, control_flow, data_sets,
    optimizers, modules)]


# ---- graphs: TensorFlow 1 ------------------------------------------------------------------


def graph_optimizer(name: str, **options: Any) -> Case:
    def call(tf: Any) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            w = v1.Variable(np.array([1.0, -2.0], "float32"))
            loss = tf.reduce_sum(tf.square(w) * [1.0, 3.0])
            step = getattr(v1.train, name)(**options).minimize(loss)
            session.run(v1.global_variables_initializer())
            losses = []
            for _ in range(6):
                losses.append(session.run([loss, step])[0])
            return losses, session.run(w)
    return Case(f"train.{name} {sorted(options)}", call)


def graph_program(tf: Any) -> Any:
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, shape=[None, 3], name="x")
        with v1.variable_scope("layer"):
            w = v1.get_variable("w", shape=[3, 2], initializer=v1.ones_initializer())
            b = v1.get_variable("b", initializer=np.array([0.5, -0.5], "float32"))
        y = tf.add(tf.matmul(x, w), b, name="y")
        step = v1.Variable(0, trainable=False, name="step")
        bump = v1.assign_add(step, 1)
        gradient = tf.gradients(tf.reduce_sum(y * y), [w, b])
        keep = v1.placeholder_with_default(2.0, shape=[])
        facts = [[v.name for v in v1.global_variables()],
                 [v.name for v in v1.trainable_variables()], x.name, y.name,
                 y.shape.as_list(), y.graph is graph]
        session = v1.Session()
        session.run(v1.global_variables_initializer())
        feed = {x: np.arange(6, dtype="float32").reshape(2, 3)}
        values = [session.run(y, feed), session.run([y, b], feed), session.run(gradient, feed),
                  session.run({"a": y, "b": (w, b)}, feed), session.run("y:0", feed),
                  [int(session.run(bump)) for _ in range(3)], int(session.run(step)),
                  float(session.run(keep)), float(session.run(keep, {keep: 5.0})),
                  session.run(y, {"x:0": np.ones((1, 3))}), session.run(step, {step: 9})]
        session.run(w.assign(tf.zeros([3, 2])))
        values.append(session.run(w))
        with session.as_default():
            values.append(y.eval(feed))
        return facts, values


def interactive_session(tf: Any) -> Any:
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        session = v1.InteractiveSession()
        v = v1.Variable(tf.constant([1.0, 2.0]))
        v.initializer.run()
        total = (v * 3.0).eval()
        with tf.control_dependencies([v.assign(v + 1.0)]):
            after = tf.identity(v)
        second = after.eval()
        session.close()
        return total, second


GRAPHS = [
    graph_optimizer("GradientDescentOptimizer", learning_rate=0.1),
    graph_optimizer("MomentumOptimizer", learning_rate=0.05, momentum=0.9),
    graph_optimizer("MomentumOptimizer", learning_rate=0.05, momentum=0.9, use_nesterov=True),
    graph_optimizer("AdamOptimizer", learning_rate=0.1),
    graph_optimizer("AdamOptimizer"),
    graph_optimizer("RMSPropOptimizer", learning_rate=0.1, momentum=0.5),
    graph_optimizer("AdagradOptimizer", learning_rate=0.5),
    graph_optimizer("AdadeltaOptimizer", learning_rate=1.0),
    Case("a graph and its session", graph_program),
    Case("an interactive session", interactive_session),
]
