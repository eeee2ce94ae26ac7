"""keras.ops, layers, losses, metrics, activations, initializers, optimizers, regularizers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, bools, distinct, integers, normal, positive, spd, uniform


def op(name: str, *inputs: Any, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(f"ops.{name}", lambda k, *tensors: getattr(k.ops, kind)(*tensors, **options),
                *inputs)


UNARY = ["abs", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "square", "negative", "sign",
         "floor", "ceil", "round", "erf", "softplus", "softsign", "silu", "gelu", "elu", "selu",
         "relu6", "hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "isnan", "isfinite",
         "sum", "mean", "max", "min", "prod", "std", "var", "argmax", "argmin", "logsumexp",
         "cumsum", "sort", "argsort", "transpose", "ravel", "zeros_like", "ones_like", "softmax",
         "log_softmax", "size", "ndim", "shape", "any", "all", "count_nonzero", "expm1", "tan",
         "sinh", "cosh", "arctan", "arcsinh", "celu", "hard_tanh", "amax", "median"]

OPS = [
    *[op(name, distinct(3, 4)) for name in UNARY],
    *[op(name, positive(3, 4)) for name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt",
                                            "reciprocal"]],
    *[op(f"{name} of two", normal(3, 4), positive(4)) for name in
      ["add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum", "mod",
       "floor_divide", "equal", "not_equal", "less", "greater", "less_equal", "greater_equal",
       "arctan2"]],
    op("power", positive(3, 4), normal(4)),
    op("divide_no_nan", normal(3), np.array([0.0, 1.0, 2.0], "float32")),
    *[op(f"{name} of bools", bools(5), bools(5)) for name in
      ["logical_and", "logical_or", "logical_xor"]],
    op("logical_not", bools(5)),
    op("sum axis", normal(2, 3, 4), axis=1, keepdims=True),
    op("mean axes", normal(2, 3, 4), axis=(0, 2)),
    op("max axis", normal(2, 3, 4), axis=-1),
    op("argmax axis", distinct(3, 4), axis=1),
    op("cumsum axis", normal(3, 4), axis=1),
    op("clip", normal(3, 4), -0.5, 0.5),
    op("where", bools(3, 4), normal(3, 4), normal(3, 4)),
    op("matmul", normal(3, 4), normal(4, 5)),
    op("matmul batched", normal(2, 3, 4), normal(2, 4, 5)),
    op("dot", normal(3, 4), normal(4)),
    op("tensordot", normal(2, 3, 4), normal(4, 5), axes=1),
    op("outer", normal(3), normal(4)),
    Case("ops.einsum", lambda k, x, y: k.ops.einsum("ij,jk->ik", x, y), normal(3, 4), normal(4, 2)),
    op("reshape", normal(2, 6), (3, 4)),
    op("reshape minus one", normal(2, 6), (-1, 3)),
    op("transpose axes", normal(2, 3, 4), axes=(2, 0, 1)),
    op("swapaxes", normal(2, 3, 4), 0, 2),
    op("moveaxis", normal(2, 3, 4), 0, -1),
    op("expand_dims", normal(2, 3), 1),
    op("squeeze", normal(2, 1, 3), 1),
    op("broadcast_to", normal(1, 3), (2, 3)),
    op("tile", normal(2, 3), (2, 2)),
    op("repeat", normal(2, 3), 2, axis=1),
    op("flip", normal(2, 3), axis=1),
    op("roll", normal(2, 3), 1, axis=0),
    op("pad", normal(2, 3), ((1, 0), (0, 2))),
    op("split", normal(4, 3), 2, axis=0),
    op("unstack", normal(2, 3)),
    op("tril", normal(3, 3)), op("triu", normal(3, 3), k=1), op("diag", normal(3)),
    op("trace", normal(3, 3)), op("diagonal", normal(3, 3)),
    Case("ops.concatenate", lambda k, x, y: k.ops.concatenate([x, y], axis=1), normal(2, 3),
         normal(2, 4)),
    Case("ops.stack", lambda k, x, y: (k.ops.stack([x, y]), k.ops.stack([x, y], axis=-1),
                                       k.ops.vstack([x, y]), k.ops.hstack([x, y])), normal(2, 3),
         normal(2, 3)),
    op("take", normal(5, 3), integers(0, 5, 4), axis=0),
    op("take_along_axis", normal(3, 4), integers(0, 4, 3, 2), axis=1),
    op("top_k", distinct(3, 5), 2),
    op("in_top_k", integers(0, 5, 3), distinct(3, 5), 2),
    op("one_hot", integers(0, 5, 4), 5),
    op("bincount", integers(0, 5, 9)),
    op("nonzero", integers(0, 2, 6)),
    op("segment_sum", normal(4), np.array([0, 0, 1, 2]), num_segments=3),
    op("scatter", np.array([[0], [2]]), normal(2, 3), (4, 3)),
    op("scatter_update", normal(4, 3), np.array([[1], [3]]), normal(2, 3)),
    op("slice", normal(4, 5), (1, 2), (2, 3)),
    op("slice_update", normal(4, 5), (1, 2), normal(2, 2)),
    op("searchsorted", np.array([0.0, 1.0, 2.0], "float32"), uniform(-1, 3, 5)),
    Case("ops.cast", lambda k, x: (k.ops.cast(x, "int32"), k.ops.cast(x, "float64"),
                                   k.ops.cast(x, "bool")), normal(4)),
    Case("ops.creation", lambda k: (k.ops.zeros((2, 3)), k.ops.ones((2,), dtype="int32"),
                                    k.ops.full((2,), 3.5), k.ops.eye(3), k.ops.arange(5),
                                    k.ops.arange(0.0, 1.0, 0.25), k.ops.linspace(0.0, 1.0, 5))),
    Case("ops.indexing", lambda k, x: (x[0], x[:, 1], x[..., None], x[1:, ::2]), normal(3, 4)),
    Case("ops.operators", lambda k, x, y: (x + y, x - 1, 2 * x, x / y, x ** 2, -x, x > 0),
         normal(3, 4), positive(3, 4)),
    op("norm", normal(3, 4), axis=1),
    op("normalize", normal(3, 4)),
    op("solve", spd(3, 3), normal(3, 2)), op("inv", spd(3, 3)), op("det", spd(3, 3)),
    op("cholesky", spd(3, 3)),
    op("binary_crossentropy", uniform(0, 1, 3, 4), uniform(0.1, 0.9, 3, 4)),
    op("binary_crossentropy logits", uniform(0, 1, 3, 4), normal(3, 4), from_logits=True),
    op("categorical_crossentropy", uniform(0, 1, 3, 4), uniform(0.1, 0.9, 3, 4)),
    op("sparse_categorical_crossentropy", integers(0, 4, 3), normal(3, 4), from_logits=True),
    op("conv", normal(2, 6, 6, 3), normal(3, 3, 3, 4), padding="same", strides=2),
    op("conv valid", normal(2, 6, 6, 3), normal(3, 3, 3, 4)),
    op("depthwise_conv", normal(2, 6, 6, 3), normal(3, 3, 3, 2)),
    op("separable_conv", normal(2, 6, 6, 3), normal(3, 3, 3, 2), normal(1, 1, 6, 4)),
    op("conv_transpose", normal(2, 4, 4, 3), normal(3, 3, 2, 3), strides=2, padding="same"),
    op("max_pool", normal(2, 6, 6, 3), 2),
    op("average_pool same", normal(2, 5, 5, 3), 2, padding="same"),
    op("moments", normal(3, 4), axes=0),
    op("batch_normalization", normal(3, 4), normal(4), positive(4), axis=-1),
    op("multi_hot", integers(0, 5, 2, 3), 5),
    Case("ops.control flow", lambda k, x: (
        k.ops.cond(k.ops.sum(x) > -1e9, lambda: x * 2, lambda: x),
        k.ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, x))[1],
        k.ops.scan(lambda c, v: (c + v, c + v), k.ops.zeros((3,)), x)[1],
        k.ops.vectorized_map(lambda row: row * 2, x), k.ops.stop_gradient(x)), normal(4, 3)),
]

ACTIVATIONS = [
    Case(f"activations.{name}", lambda k, x, name=name: getattr(k.activations, name)(x),
         normal(3, 5))
    for name in ["relu", "sigmoid", "softmax", "softplus", "softsign", "tanh", "selu", "elu",
                 "exponential", "leaky_relu", "relu6", "silu", "hard_silu", "gelu",
                 "hard_sigmoid", "linear", "mish", "log_softmax", "celu", "hard_tanh",
                 "log_sigmoid", "swish"]
] + [
    Case("activations.get", lambda k, x: (k.activations.get("relu")(x),
                                          k.activations.get(None)(x)), normal(3, 5)),
    Case("activations.relu options", lambda k, x: k.activations.relu(
        x, negative_slope=0.1, max_value=1.0, threshold=0.2), normal(3, 5)),
    Case("activations.gelu approximate", lambda k, x: k.activations.gelu(x, approximate=True),
         normal(3, 5)),
    Case("activations.elu alpha", lambda k, x: k.activations.elu(x, alpha=0.3), normal(3, 5)),
]


def layer(name: str, arguments: tuple[Any, ...], *inputs: Any, gradients: bool = True,
          rtol: float = 1e-4, atol: float = 1e-5, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(name, lambda k: getattr(k.layers, kind)(*arguments, **options), *inputs,
                gradients=gradients, rtol=rtol, atol=atol)


def merged(name: str, *inputs: Any, **options: Any) -> Case:
    """A layer that takes a list of tensors, wrapped to take them one by one."""
    kind = name.split()[0]

    def call(k: Any) -> Any:
        tensors = [k.Input(shape=draw.shape[1:]) for draw in inputs]
        whole = k.Model(tensors, getattr(k.layers, kind)(**options)(tensors))
        return lambda *values: whole(list(values))
    return Case(name, lambda k, *values: call(k)(*values), *inputs)


IMAGE = normal(2, 6, 7, 3)
SEQUENCE = normal(2, 5, 3)

LAYERS = [
    layer("Dense", (4,), normal(3, 5)),
    layer("Dense relu", (), normal(3, 5), units=4, activation="relu"),
    layer("Dense softmax no bias", (4,), normal(3, 5), activation="softmax", use_bias=False),
    layer("Dense on sequences", (4,), SEQUENCE, activation="tanh"),
    layer("Dense regularised", (4,), normal(3, 5), kernel_regularizer="l2",
          bias_regularizer="l1"),
    layer("EinsumDense", ("ab,bc->ac",), normal(3, 5), output_shape=4, bias_axes="c"),
    layer("Activation", ("tanh",), normal(3, 5)),
    layer("ReLU", (), normal(3, 5), max_value=1.0, negative_slope=0.1),
    layer("LeakyReLU", (), normal(3, 5)),
    layer("LeakyReLU slope", (), normal(3, 5), negative_slope=0.1),
    layer("PReLU", (), normal(3, 5)),
    layer("ELU", (), normal(3, 5)),
    layer("Softmax", (), normal(3, 5)),
    layer("Flatten", (), IMAGE),
    layer("Reshape", ((7, 18),), IMAGE),
    layer("Reshape minus one", ((-1, 3),), IMAGE),
    layer("Permute", ((2, 1),), SEQUENCE),
    layer("RepeatVector", (3,), normal(2, 4)),
    layer("Rescaling", (), IMAGE, scale=0.5, offset=1.0),
    layer("Dropout", (0.5,), normal(3, 5), gradients=False),
    layer("SpatialDropout2D", (0.5,), IMAGE, gradients=False),
    layer("GaussianNoise", (0.5,), normal(3, 5), gradients=False),
    layer("GaussianDropout", (0.5,), normal(3, 5), gradients=False),
    layer("AlphaDropout", (0.5,), normal(3, 5), gradients=False),
    layer("Embedding", (6, 4), integers(0, 6, 2, 3)),
    layer("Embedding mask", (6, 4), integers(0, 6, 2, 3), mask_zero=True),
    layer("Conv1D", (4, 3), normal(2, 9, 3)),
    layer("Conv1D causal", (4, 3), normal(2, 9, 3), padding="causal", dilation_rate=2),
    layer("Conv2D", (4, 3), IMAGE),
    layer("Conv2D keywords", (), IMAGE, filters=4, kernel_size=(3, 3), activation="relu",
          padding="same"),
    layer("Conv2D same strided", (4, 3), IMAGE, strides=2, padding="same"),
    layer("Conv2D groups", (6, 3), normal(2, 6, 6, 4), groups=2),
    layer("Conv2D dilation", (4, 3), IMAGE, dilation_rate=2, use_bias=False),
    layer("Conv3D", (2, 2), normal(1, 4, 4, 4, 2)),
    layer("Conv1DTranspose", (4, 3), normal(2, 5, 3), strides=2, padding="same"),
    layer("Conv2DTranspose", (4, 3), IMAGE, strides=2, padding="same"),
    layer("Conv2DTranspose valid", (4, 3), IMAGE, strides=2),
    layer("DepthwiseConv2D", (3,), IMAGE, depth_multiplier=2, padding="same"),
    layer("SeparableConv2D", (4, 3), IMAGE),
    layer("SeparableConv1D", (4, 3), normal(2, 9, 3)),
    layer("MaxPooling1D", (2,), distinct(2, 9, 3)),
    layer("MaxPooling2D", (), distinct(2, 6, 7, 3)),
    layer("MaxPooling2D same", ((3, 2),), distinct(2, 6, 7, 3), strides=2, padding="same"),
    layer("MaxPooling2D pool_size", (), distinct(2, 6, 7, 3), pool_size=(2, 2)),
    layer("AveragePooling1D", (2,), normal(2, 9, 3)),
    layer("AveragePooling2D", (2,), IMAGE),
    layer("AveragePooling2D same", (3,), IMAGE, strides=2, padding="same"),
    layer("MaxPooling3D", (2,), distinct(1, 4, 4, 4, 2)),
    layer("GlobalAveragePooling1D", (), SEQUENCE),
    layer("GlobalAveragePooling2D", (), IMAGE),
    layer("GlobalAveragePooling2D keepdims", (), IMAGE, keepdims=True),
    layer("GlobalMaxPooling1D", (), distinct(2, 5, 3)),
    layer("GlobalMaxPooling2D", (), distinct(2, 6, 7, 3)),
    layer("ZeroPadding2D", (1,), IMAGE),
    layer("ZeroPadding2D pairs", (((1, 0), (0, 2)),), IMAGE),
    layer("ZeroPadding1D", (2,), SEQUENCE),
    layer("Cropping2D", (1,), IMAGE),
    layer("UpSampling2D", (2,), IMAGE),
    layer("UpSampling2D bilinear", (2,), IMAGE, interpolation="bilinear"),
    layer("UpSampling1D", (2,), SEQUENCE),
    layer("BatchNormalization", (), normal(6, 4)),
    layer("BatchNormalization images", (), normal(4, 5, 5, 3), momentum=0.9, epsilon=1e-2),
    layer("BatchNormalization plain", (), normal(6, 4), center=False, scale=False),
    layer("LayerNormalization", (), normal(3, 5)),
    layer("LayerNormalization axes", (), IMAGE, axis=[-2, -1]),
    layer("GroupNormalization", (), normal(2, 4, 4, 6), groups=3),
    layer("UnitNormalization", (), normal(3, 5)),
    layer("RMSNormalization", (), normal(3, 5)),
    layer("SimpleRNN", (4,), SEQUENCE),
    layer("SimpleRNN sequences", (4,), SEQUENCE, return_sequences=True, activation="relu"),
    layer("LSTM", (4,), SEQUENCE),
    layer("LSTM sequences", (4,), SEQUENCE, return_sequences=True),
    layer("LSTM no bias", (4,), SEQUENCE, use_bias=False, unit_forget_bias=False),
    layer("LSTM backwards", (4,), SEQUENCE, go_backwards=True),
    layer("GRU", (4,), SEQUENCE),
    layer("GRU not reset_after", (4,), SEQUENCE, reset_after=False, return_sequences=True),
    Case("Bidirectional", lambda k: k.layers.Bidirectional(k.layers.LSTM(3)), SEQUENCE, rtol=1e-4,
         atol=1e-5),
    Case("Bidirectional sum", lambda k: k.layers.Bidirectional(
        k.layers.GRU(3, return_sequences=True), merge_mode="sum"), SEQUENCE, rtol=1e-4, atol=1e-5),
    Case("TimeDistributed", lambda k: k.layers.TimeDistributed(k.layers.Dense(4)), SEQUENCE,
         rtol=1e-4, atol=1e-5),
    layer("MultiHeadAttention", (), normal(2, 3, 4), normal(2, 5, 4), num_heads=2, key_dim=3),
    layer("MultiHeadAttention output", (), normal(2, 3, 4), normal(2, 5, 4), num_heads=2,
          key_dim=3, value_dim=2, output_shape=6),
    layer("Masking", (0.0,), SEQUENCE),
    layer("Identity", (), normal(3, 5)),
    layer("Discretization", (), normal(3, 4), bin_boundaries=[-0.5, 0.0, 0.5], gradients=False),
    layer("CategoryEncoding", (), integers(0, 5, 3, 1), num_tokens=5, output_mode="one_hot",
          gradients=False),
    layer("Normalization", (), normal(3, 4), mean=1.0, variance=4.0, gradients=False),
]

MERGES = [
    *[merged(name, normal(3, 4), normal(3, 4)) for name in
      ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]],
    merged("Concatenate axis", normal(3, 2, 4), normal(3, 5, 4), axis=1),
    merged("Dot", normal(3, 4), normal(3, 4), axes=1),
    merged("Dot normalised", normal(3, 2, 4), normal(3, 5, 4), axes=2, normalize=True),
    merged("Attention", normal(2, 3, 4), normal(2, 5, 4)),
    merged("AdditiveAttention plain", normal(2, 3, 4), normal(2, 5, 4), use_scale=False),
]


def loss(name: str, truth: Any, prediction: Any, **options: Any) -> list[Case]:
    kind = name.split()[0]
    rows = [Case(f"losses.{name}", lambda k, y, p: (
        getattr(k.losses, kind)(**options)(y, p),
        getattr(k.losses, kind)(reduction="sum", **options)(y, p),
        getattr(k.losses, kind)(reduction=None, **options)(y, p),
        getattr(k.losses, kind)(**options)(
            y, p, sample_weight=np.linspace(0.5, 1.5, p.shape[0]).astype("float32"))),
        truth, prediction)]
    return rows


ONE_HOT = np.eye(4, dtype="float32")[[0, 2, 1]]
SIGNS = np.array([[1.0, -1, 1, -1], [1, 1, -1, -1], [-1, 1, 1, 1]], "float32")
ROWS = uniform(0.05, 1.0, 3, 4)

LOSSES = [
    *loss("MeanSquaredError", normal(3, 4), normal(3, 4)),
    *loss("MeanAbsoluteError", normal(3, 4), normal(3, 4)),
    *loss("MeanAbsolutePercentageError", positive(3, 4), normal(3, 4)),
    *loss("MeanSquaredLogarithmicError", positive(3, 4), positive(3, 4)),
    *loss("Huber", normal(3, 4), normal(3, 4), delta=0.5),
    *loss("LogCosh", normal(3, 4), normal(3, 4)),
    *loss("CosineSimilarity", normal(3, 4), normal(3, 4)),
    *loss("BinaryCrossentropy", uniform(0, 1, 3, 4), uniform(0.1, 0.9, 3, 4)),
    *loss("BinaryCrossentropy logits smoothing", uniform(0, 1, 3, 4), normal(3, 4),
          from_logits=True, label_smoothing=0.1),
    *loss("BinaryFocalCrossentropy", uniform(0, 1, 3, 4), uniform(0.1, 0.9, 3, 4)),
    *loss("CategoricalCrossentropy", ONE_HOT, ROWS),
    *loss("CategoricalCrossentropy logits", ONE_HOT, normal(3, 4), from_logits=True,
          label_smoothing=0.1),
    *loss("CategoricalFocalCrossentropy", ONE_HOT, ROWS),
    *loss("SparseCategoricalCrossentropy", integers(0, 4, 3), ROWS),
    *loss("SparseCategoricalCrossentropy logits", integers(0, 4, 3), normal(3, 4),
          from_logits=True),
    *loss("SparseCategoricalCrossentropy ignore", np.array([0, -1, 3]), normal(3, 4),
          from_logits=True, ignore_class=-1),
    *loss("Hinge", SIGNS, normal(3, 4)),
    *loss("SquaredHinge", SIGNS, normal(3, 4)),
    *loss("CategoricalHinge", ONE_HOT, normal(3, 4)),
    *loss("KLDivergence", ROWS, uniform(0.1, 1.0, 3, 4)),
    *loss("Poisson", positive(3, 4), positive(3, 4)),
    *[Case(f"losses.get {name}", lambda k, y, p, name=name: k.losses.get(name)(y, p),
           uniform(0.1, 0.9, 3, 4), uniform(0.1, 0.9, 3, 4))
      for name in ["mse", "mean_squared_error", "mae", "mean_absolute_error", "mape", "msle",
                   "huber", "log_cosh", "binary_crossentropy", "categorical_crossentropy",
                   "hinge", "kl_divergence", "poisson", "cosine_similarity"]],
    Case("losses.get sparse", lambda k, y, p: k.losses.get("sparse_categorical_crossentropy")(
        y, p), integers(0, 4, 3), ROWS),
    Case("losses of column targets", lambda k, y, p: (
        k.losses.SparseCategoricalCrossentropy()(y, p)), integers(0, 4, 3, 1), ROWS),
]


def metric(name: str, *batches: Any, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(f"metrics.{name}", lambda k: getattr(k.metrics, kind)(**options), *batches)


REGRESSION = (normal(4, 3), normal(4, 3), normal(4, 3), normal(4, 3))
BINARY = (bools(8).as_type("float32"), uniform(0, 1, 8), bools(8).as_type("float32"),
          uniform(0, 1, 8))
COLUMNS = (bools(8, 1).as_type("float32"), uniform(0, 1, 8, 1))
SPARSE = (integers(0, 4, 6), uniform(0.05, 1, 6, 4), integers(0, 4, 6), uniform(0.05, 1, 6, 4))
CLASSES = (np.eye(4, dtype="float32")[[0, 3, 1, 1]], uniform(0.05, 1, 4, 4),
           np.eye(4, dtype="float32")[[2, 2, 0, 3]], uniform(0.05, 1, 4, 4))

METRICS = [
    *[metric(name, *REGRESSION) for name in
      ["MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError", "LogCoshError",
       "CosineSimilarity", "R2Score"]],
    metric("MeanAbsolutePercentageError", *[positive(4, 3)] * 4),
    metric("MeanSquaredLogarithmicError", *[positive(4, 3)] * 4),
    *[metric(name, *BINARY) for name in
      ["BinaryAccuracy", "Precision", "Recall", "AUC", "TruePositives", "FalsePositives",
       "TrueNegatives", "FalseNegatives"]],
    metric("BinaryCrossentropy", *COLUMNS),
    metric("BinaryAccuracy threshold", *BINARY, threshold=0.3),
    metric("Precision thresholds", *BINARY, thresholds=[0.2, 0.7]),
    metric("AUC PR", *BINARY, curve="PR", num_thresholds=50),
    metric("SensitivityAtSpecificity", *BINARY, specificity=0.5),
    metric("PrecisionAtRecall", *BINARY, recall=0.5),
    metric("F1Score", *CLASSES),
    metric("F1Score macro", *CLASSES, average="macro"),
    metric("FBetaScore", *CLASSES, beta=2.0, average="weighted"),
    metric("CategoricalAccuracy", *CLASSES),
    metric("TopKCategoricalAccuracy", *CLASSES, k=2),
    metric("CategoricalCrossentropy", *CLASSES),
    metric("CategoricalHinge", *CLASSES),
    metric("KLDivergence", *CLASSES),
    metric("SparseCategoricalAccuracy", *SPARSE),
    metric("SparseTopKCategoricalAccuracy", *SPARSE, k=2),
    metric("SparseCategoricalCrossentropy", *SPARSE),
    metric("Accuracy", integers(0, 3, 6), integers(0, 3, 6)),
    metric("Hinge", *COLUMNS),
    metric("MeanIoU", integers(0, 3, 6), integers(0, 3, 6), num_classes=3),
    metric("Poisson", *[positive(4, 3)] * 4),
]

MEANS = [
    Case("metrics.Mean and Sum", lambda k: [
        m := k.metrics.Mean(), m.update_state([1.0, 3.0]), m.update_state(5.0), m.result(),
        s := k.metrics.Sum(), s.update_state([1.0, 3.0]), s.result()][3::3]),
    Case("metrics.Mean weighted", lambda k: [
        m := k.metrics.Mean(), m.update_state([1.0, 3.0], sample_weight=[1.0, 3.0]),
        m.result()][2]),
]


def initializer(name: str, shape: tuple[int, ...] = (64, 96), **options: Any) -> Case:
    """What a seed may not change: shape, dtype, bounds, mean and spread to two digits."""
    kind = name.split()[0]

    def facts(k: Any) -> Any:
        made = getattr(k.initializers, kind)(**({"seed": 1} | options))
        values = k.ops.convert_to_numpy(made(shape))
        limit = float(np.abs(values).max())
        spread = float(values.std())
        digits = [1 - int(np.floor(np.log10(v))) for v in (limit, spread)]
        return [values.shape, str(values.dtype), abs(float(values.mean())) < 0.05,
                round(limit, digits[0] - 1) if "Uniform" in kind else 0,
                round(spread, digits[1] - 1)]
    return Case(f"initializers.{name}", facts)


INITIALIZERS = [
    *[initializer(name) for name in
      ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal",
       "RandomUniform", "RandomNormal", "TruncatedNormal"]],
    initializer("GlorotUniform of a convolution", (3, 3, 32, 64)),
    initializer("HeNormal of a convolution", (3, 3, 32, 64)),
    initializer("RandomUniform options", minval=-2.0, maxval=2.0),
    initializer("RandomNormal options", mean=0.0, stddev=0.5),
    initializer("VarianceScaling fan_out", scale=2.0, mode="fan_out", distribution="uniform"),
    Case("initializers.Orthogonal", lambda k: [
        w := k.ops.convert_to_numpy(k.initializers.Orthogonal(seed=1)((6, 4))),
        np.round(w.T @ w + 0.0, 4) + 0.0][1], rtol=1e-3, atol=1e-3),
    Case("initializers exact", lambda k: (
        k.initializers.Zeros()((2, 3)), k.initializers.Ones()((2,)),
        k.initializers.Constant(2.5)((2,)), k.initializers.Identity()((3, 3)),
        k.initializers.get("zeros")((2,)), k.initializers.get("ones")((2,)))),
    Case("initializers repeat by seed", lambda k: bool(np.array_equal(
        k.ops.convert_to_numpy(k.initializers.RandomNormal(seed=4)((3,))),
        k.ops.convert_to_numpy(k.initializers.RandomNormal(seed=4)((3,)))))),
]


def trained(k: Any, optimizer: Any, **compile_options: Any) -> list[np.ndarray]:
    """Weights after eight steps of a small network, each batch its own."""
    random = np.random.RandomState(9)
    model = k.Sequential([k.Input((4,)), k.layers.Dense(5, activation="tanh"), k.layers.Dense(2)])
    model.set_weights([random.uniform(-0.5, 0.5, w.shape).astype("float32")
                       for w in model.get_weights()])
    model.compile(optimizer=optimizer, loss=compile_options.pop("loss", "mse"), **compile_options)
    for _ in range(8):
        x, y = random.standard_normal((6, 4)), random.standard_normal((6, 2))
        model.train_on_batch(x.astype("float32"), y.astype("float32"))
    return [np.asarray(w) for w in model.get_weights()]


def optimizer(name: str, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(f"optimizers.{name}",
                lambda k: trained(k, getattr(k.optimizers, kind)(**options)), rtol=1e-4, atol=1e-5)


def scheduled(name: str, *arguments: Any, **options: Any) -> Case:
    def call(k: Any) -> Any:
        made = getattr(k.optimizers.schedules, name)(*arguments, **options)
        return [[float(made(step)) for step in range(0, 30, 3)],
                trained(k, k.optimizers.SGD(made))]
    return Case(f"schedules.{name}", call, rtol=1e-4, atol=1e-5)


OPTIMIZERS = [
    optimizer("SGD"), optimizer("SGD momentum", learning_rate=0.1, momentum=0.9),
    optimizer("SGD nesterov", learning_rate=0.1, momentum=0.9, nesterov=True),
    optimizer("SGD clipnorm", learning_rate=0.1, clipnorm=0.1),
    optimizer("SGD clipvalue", learning_rate=0.1, clipvalue=0.05),
    optimizer("SGD global_clipnorm", learning_rate=0.1, global_clipnorm=0.1),
    optimizer("SGD weight_decay", learning_rate=0.1, weight_decay=0.1),
    optimizer("SGD ema", learning_rate=0.1, use_ema=True, ema_momentum=0.9),
    optimizer("Adam"), optimizer("Adam options", learning_rate=0.02, beta_1=0.8, beta_2=0.99,
                                 epsilon=1e-5, amsgrad=True),
    optimizer("AdamW", learning_rate=0.02), optimizer("Adamax", learning_rate=0.02),
    optimizer("Nadam", learning_rate=0.02), optimizer("RMSprop"),
    optimizer("RMSprop options", learning_rate=0.01, rho=0.8, momentum=0.5, centered=True),
    optimizer("Adagrad", learning_rate=0.1), optimizer("Adadelta", learning_rate=0.5),
    optimizer("Ftrl", learning_rate=0.1), optimizer("Lion", learning_rate=0.01),
    *[Case(f"optimizers.get {name}", lambda k, name=name: trained(k, name), rtol=1e-4, atol=1e-5)
      for name in ["sgd", "adam", "rmsprop", "adagrad"]],
    scheduled("ExponentialDecay", 0.1, 5, 0.5),
    scheduled("PiecewiseConstantDecay", [3, 6], [0.1, 0.05, 0.01]),
    scheduled("PolynomialDecay", 0.1, 10, 0.01, power=2.0),
    scheduled("InverseTimeDecay", 0.1, 5, 0.5),
    scheduled("CosineDecay", 0.1, 20, warmup_target=0.2, warmup_steps=4),
    scheduled("CosineDecayRestarts", 0.1, 6),
    Case("losses trained with", lambda k: [
        trained(k, "sgd", loss=name) for name in ("mae", "huber", "mse", "log_cosh")], rtol=1e-4,
        atol=1e-5),
    Case("regularizers", lambda k: [
        k.regularizers.L2(0.1)(k.ops.ones((2, 2))), k.regularizers.L1(0.1)(k.ops.ones((2, 2))),
        k.regularizers.L1L2(0.1, 0.2)(k.ops.ones((2, 2))),
        k.regularizers.get("l2")(k.ops.ones((2, 2)))]),
    Case("constraints", lambda k, w: [
        k.constraints.MaxNorm(0.5)(w), k.constraints.NonNeg()(w), k.constraints.UnitNorm()(w)],
        normal(3, 4)),
]


def classifier(k: Any) -> Any:
    random = np.random.RandomState(3)
    model = k.Sequential([k.Input((6,)), k.layers.Dense(8, activation="relu"),
                          k.layers.Dense(3, activation="softmax")])
    model.set_weights([random.uniform(-0.5, 0.5, w.shape).astype("float32")
                       for w in model.get_weights()])
    return model, random.standard_normal((50, 6)).astype("float32"), random.randint(0, 3, 50)


def fit_history(k: Any) -> Any:
    """Unshuffled: every number of the history is the framework's own arithmetic."""
    model, x, y = classifier(k)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0,
                        validation_split=0.2)
    return [sorted(history.history), [history.history[key] for key in sorted(history.history)],
            history.epoch, model.evaluate(x, y, verbose=0),
            sorted(model.evaluate(x, y, verbose=0, return_dict=True)),
            model.predict(x[:3], verbose=0), model.predict_on_batch(x[:2])]


def weighted_fit(k: Any) -> Any:
    model, x, y = classifier(k)
    model.compile(optimizer=k.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy",
                  weighted_metrics=["accuracy"])
    first = model.fit(x, y, epochs=2, batch_size=10, shuffle=False, verbose=0,
                      sample_weight=np.linspace(0, 2, 50).astype("float32")).history
    second = model.fit(x, y, epochs=2, batch_size=10, shuffle=False, verbose=0,
                       class_weight={0: 1.0, 1: 2.0, 2: 0.5}).history
    return [list(first.values()), list(second.values())]


def callbacks(k: Any) -> Any:
    model, x, y = classifier(k)
    model.compile(optimizer=k.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    seen: list[str] = []

    class Watch(k.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append("train")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            seen.append(f"epoch {epoch}")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(f"batch {batch} {sorted(logs)}")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(f"end {epoch} {sorted(logs)}")

    history = model.fit(x, y, epochs=8, batch_size=25, shuffle=False, verbose=0,
                        validation_data=(x[:10], (y[:10] + 1) % 3),
                        callbacks=[Watch(), k.callbacks.EarlyStopping(
                            monitor="val_loss", patience=2, restore_best_weights=True),
                            k.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9)])
    return [seen, history.history["loss"], history.epoch, model.get_weights()]


def functional_model(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((2,), name="b")
    shared = k.layers.Dense(4, activation="relu", name="shared")
    left = shared(a)
    joined = k.layers.Concatenate(name="joined")([left, shared(k.layers.Dense(3, name="up")(b))])
    model = k.Model(inputs=[a, b], outputs=[k.layers.Dense(1, name="one")(joined),
                                            k.layers.Dense(2, name="two")(joined)])
    random = np.random.RandomState(3)
    model.set_weights([random.uniform(-0.5, 0.5, w.shape).astype("float32")
                       for w in model.get_weights()])
    model.compile(optimizer="adam", loss=["mse", "mae"], loss_weights=[1.0, 0.5])
    x = [random.standard_normal((8, n)).astype("float32") for n in (3, 2)]
    y = [random.standard_normal((8, n)).astype("float32") for n in (1, 2)]
    history = model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return [history.history["loss"], model.predict(x, verbose=0), model.count_params(),
            [layer.name for layer in model.layers], tuple(model.input_shape[0])]


def subclassed(k: Any) -> Any:
    class Net(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = k.layers.Dense(4, activation="relu")
            self.second = k.layers.Dense(1)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.second(self.first(x))

    model = Net()
    random = np.random.RandomState(3)
    x = random.standard_normal((8, 3)).astype("float32")
    model(x)
    model.set_weights([random.uniform(-0.5, 0.5, w.shape).astype("float32")
                       for w in model.get_weights()])
    model.compile(optimizer="sgd", loss="mse")
    return model.fit(x, x[:, :1], epochs=3, batch_size=4, shuffle=False, verbose=0).history["loss"]


def custom_layer(k: Any) -> Any:
    class Scale(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

        def call(self, x: Any) -> Any:
            return x * self.w

    model = k.Sequential([k.Input((3,)), Scale()])
    model.compile(optimizer=k.optimizers.SGD(0.1), loss="mse")
    x = np.ones((4, 3), "float32")
    model.fit(x, x * 2, epochs=2, batch_size=4, verbose=0)
    return model.get_weights()


MODELS = [
    Case("fit, evaluate, predict", fit_history, rtol=1e-4, atol=1e-5),
    Case("sample_weight and class_weight", weighted_fit, rtol=1e-4, atol=1e-5),
    Case("callbacks", callbacks, rtol=1e-4, atol=1e-5),
    Case("functional model", functional_model, rtol=1e-4, atol=1e-5),
    Case("subclassed model", subclassed, rtol=1e-4, atol=1e-5),
    Case("custom layer", custom_layer, rtol=1e-4, atol=1e-5),
    Case("utils", lambda k: [
        k.utils.to_categorical([0, 2, 1]), k.utils.to_categorical([[1], [0]], num_classes=3),
        k.utils.normalize(np.array([[3.0, 4.0]]))]),
    Case("pad_sequences", lambda k: [
        k.utils.pad_sequences([[1, 2, 3], [4]]),
        k.utils.pad_sequences([[1, 2, 3], [4]], maxlen=2, padding="post", truncating="post")]),
    Case("get_config", lambda k: [
        m := k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="relu", name="d")]),
        n := k.Sequential.from_config(m.get_config()), [w.shape for w in n.get_weights()],
        n.layers[0].name, n.layers[0].activation.__name__][2:]),
]

# (rows, the helper that checks them)
TABLES = [
    (OPS, "check_keras_ops"), (ACTIVATIONS, "check_keras_ops"), (LOSSES, "check_keras_ops"),
    (MERGES, "check_keras_ops"), (INITIALIZERS, "check_keras_ops"), (MEANS, "check_keras_ops"),
    (OPTIMIZERS, "check_keras_ops"), (MODELS, "check_keras_ops"),
    (LAYERS, "check_keras_layer"), (METRICS, "check_keras_metric"),
]
