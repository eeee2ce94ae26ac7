"""What users get wrong, one function each; the line that is to blame ends in ``# here``.

A function takes the face's namespace. `Mistake` says which class of error users of that framework
catch (a name such as ``errors.InvalidArgumentError`` is looked up in the namespace), which words
the message must have, and whether the user's line must be in it (it must wherever an operation
was recorded; elsewhere Python's own traceback shows it).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MISTAKES", "Mistake"]

Error = type[BaseException] | tuple[type[BaseException], ...] | str


@dataclass(frozen=True)
class Mistake:
    """``real`` is False where the real framework goes on silently or dies in some other way."""

    face: str
    call: Callable[..., Any]
    error: Error
    words: tuple[str, ...]
    line: bool
    real: bool

    @property
    def name(self) -> str:
        return f"{self.face}: {self.call.__name__.replace('_', ' ')}"


MISTAKES: list[Mistake] = []


def mistake(face: str, error: Error, *words: str, line: bool = False, real: bool = True
            ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        MISTAKES.append(Mistake(face, call, error, words, line, real))
        return call
    return register


# ---- torch ---------------------------------------------------------------------------------


@mistake("torch", RuntimeError, "linear", "(2, 7)", "10", line=True)
def inner_size_of_linear(t: Any) -> None:
    layer = t.nn.Linear(10, 5)
    layer(t.ones(2, 7))  # here


@mistake("torch", RuntimeError, "matmul", "(32, 784)", "(10, 784)", line=True)
def inner_size_of_matmul(t: Any) -> None:
    x, w = t.ones(32, 784), t.ones(10, 784)
    x @ w  # here


@mistake("torch", RuntimeError, "(2, 3)", "(4,)", line=True)
def shapes_that_do_not_broadcast(t: Any) -> None:
    t.ones(2, 3) + t.ones(4)  # here


@mistake("torch", IndexError, "7", "5", line=True)
def label_out_of_range(t: Any) -> None:
    logits, labels = t.zeros(3, 5), t.tensor([0, 7, 1])
    loss = t.nn.functional.cross_entropy(logits, labels)  # here
    loss.item()


@mistake("torch", RuntimeError, "cross_entropy", "float32", line=True)
def labels_that_are_floats(t: Any) -> None:
    t.nn.CrossEntropyLoss()(t.zeros(3, 5), t.tensor([0.0, 1.0, 2.0]))  # here


@mistake("torch", ValueError, "cross_entropy", "4", "3", line=True)
def labels_of_another_batch_size(t: Any) -> None:
    t.nn.functional.cross_entropy(t.zeros(4, 5), t.tensor([0, 1, 2]))  # here


@mistake("torch", RuntimeError, "cross_entropy", "(4, 5)", "(4, 6)", line=True)
def probabilities_of_another_number_of_classes(t: Any) -> None:
    t.nn.functional.cross_entropy(t.zeros(4, 5), t.ones(4, 6))  # here


@mistake("torch", UserWarning, "(4, 1)", "(4,)")
def target_without_the_column_axis(t: Any) -> None:
    t.nn.functional.mse_loss(t.zeros(4, 1), t.ones(4))  # here


@mistake("torch", ValueError, "binary_cross_entropy", "(4, 1)", "(4,)", line=True)
def binary_target_without_the_column_axis(t: Any) -> None:
    t.nn.functional.binary_cross_entropy_with_logits(t.zeros(4, 1), t.ones(4))  # here


@mistake("torch", ValueError, "avg", "mean")
def unknown_reduction(t: Any) -> None:
    t.nn.MSELoss(reduction="avg")(t.ones(2), t.ones(2))  # here


@mistake("torch", RuntimeError, "backward", "retain_graph", line=True)
def backward_twice(t: Any) -> None:
    x = t.ones(3, requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    loss.backward()  # here


@mistake("torch", RuntimeError, "backward", "scalar", "(3,)")
def backward_of_many_elements(t: Any) -> None:
    x = t.ones(3, requires_grad=True)
    (x * 2).backward()  # here


@mistake("torch", RuntimeError, "requires_grad")
def backward_of_a_constant(t: Any) -> None:
    t.ones(3).sum().backward()  # here


@mistake("torch", RuntimeError, "allow_unused")
def gradient_of_an_unused_tensor(t: Any) -> None:
    a, b = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    t.autograd.grad((a * 2).sum(), [a, b])  # here


@mistake("torch", RuntimeError, "item", "3")
def item_of_many_elements(t: Any) -> None:
    t.ones(3).item()  # here


@mistake("torch", RuntimeError, "bool", "any")
def truth_of_many_elements(t: Any) -> None:
    if t.ones(3) > 0:  # here
        raise AssertionError("a tensor of three elements has no truth value")


@mistake("torch", RuntimeError, "leaf", "no_grad")
def write_into_a_leaf_that_wants_a_gradient(t: Any) -> None:
    w = t.ones(3, requires_grad=True)
    w += 1  # here


@mistake("torch", RuntimeError, "detach")
def numpy_of_a_tensor_with_a_gradient(t: Any) -> None:
    t.ones(3, requires_grad=True).numpy()  # here


@mistake("torch", RuntimeError, "float", "int64")
def gradient_of_integers(t: Any) -> None:
    t.tensor([1, 2], requires_grad=True)  # here


@mistake("torch", ValueError, "empty")
def optimizer_without_parameters(t: Any) -> None:
    t.optim.SGD([], lr=0.1)  # here


@mistake("torch", ValueError, "-0.1")
def negative_learning_rate(t: Any) -> None:
    t.optim.Adam(t.nn.Linear(2, 1).parameters(), lr=-0.1)  # here


@mistake("torch", TypeError, "momentumm", "momentum")
def optimizer_keyword_that_does_not_exist(t: Any) -> None:
    t.optim.SGD(t.nn.Linear(2, 1).parameters(), lr=0.1, momentumm=0.9)  # here


@mistake("torch", ValueError, "nesterov", "momentum")
def nesterov_without_momentum(t: Any) -> None:
    t.optim.SGD(t.nn.Linear(2, 1).parameters(), lr=0.1, nesterov=True)  # here


@mistake("torch", TypeError, "iterable")
def optimizer_of_one_bare_tensor(t: Any) -> None:
    t.optim.SGD(t.ones(2, requires_grad=True), lr=0.1)  # here


@mistake("torch", AttributeError, "Adamm", "Adam")
def unknown_optimizer_class(t: Any) -> None:
    t.optim.Adamm(t.nn.Linear(2, 1).parameters())  # here


@mistake("torch", TypeError, "in_feature", "in_features")
def layer_keyword_that_does_not_exist(t: Any) -> None:
    t.nn.Linear(in_feature=3, out_features=2)  # here


@mistake("torch", RuntimeError, "conv2d", "3", "1", line=True)
def channels_of_a_convolution(t: Any) -> None:
    t.nn.Conv2d(3, 8, 3)(t.ones(2, 1, 8, 8))  # here


@mistake("torch", RuntimeError, "conv2d", "(28, 28)", line=True)
def image_without_batch_and_channels(t: Any) -> None:
    t.nn.Conv2d(1, 8, 3)(t.ones(28, 28))  # here


@mistake("torch", RuntimeError, "kernel", "(5, 5)", line=True)
def kernel_larger_than_the_image(t: Any) -> None:
    t.nn.functional.conv2d(t.ones(1, 1, 3, 3), t.ones(1, 1, 5, 5))  # here


def two_layers(t: Any) -> Any:
    class Net(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = t.nn.Linear(3, 4)
            self.fc2 = t.nn.Linear(4, 2)
    return Net()


@mistake("torch", RuntimeError, "missing", "fc2.weight")
def state_dict_with_missing_keys(t: Any) -> None:
    state = two_layers(t).state_dict()
    del state["fc2.weight"]
    two_layers(t).load_state_dict(state)  # here


@mistake("torch", RuntimeError, "unexpected", "fc3.bias")
def state_dict_with_unexpected_keys(t: Any) -> None:
    state = two_layers(t).state_dict()
    state["fc3.bias"] = t.ones(2)
    two_layers(t).load_state_dict(state)  # here


@mistake("torch", RuntimeError, "fc1.weight", "5, 3", "4, 3")
def state_dict_of_another_shape(t: Any) -> None:
    state = two_layers(t).state_dict()
    state["fc1.weight"] = t.ones(5, 3)
    two_layers(t).load_state_dict(state)  # here


@mistake("torch", AttributeError, "__init__", "before")
def module_without_super_init(t: Any) -> None:
    class Net(t.nn.Module):
        def __init__(self) -> None:
            self.fc = t.nn.Linear(2, 2)  # here
    Net()


@mistake("torch", NotImplementedError, "forward")
def module_without_forward(t: Any) -> None:
    two_layers(t)(t.ones(1, 3))  # here


@mistake("torch", TypeError, "list")
def sequential_of_a_list(t: Any) -> None:
    t.nn.Sequential([t.nn.Linear(2, 2), t.nn.ReLU()])  # here


@mistake("torch", ValueError, "batch_size", "0")
def loader_with_batches_of_nothing(t: Any) -> None:
    data = t.utils.data.TensorDataset(t.ones(4))
    t.utils.data.DataLoader(data, batch_size=0)  # here


@mistake("torch", ValueError, "num_samples", "0")
def loader_that_shuffles_nothing(t: Any) -> None:
    data = t.utils.data.TensorDataset(t.ones(0, 2))
    t.utils.data.DataLoader(data, shuffle=True)  # here


@mistake("torch", ValueError, "random_split", "10")
def split_that_does_not_add_up(t: Any) -> None:
    data = t.utils.data.TensorDataset(t.ones(10))
    t.utils.data.random_split(data, [7, 2])  # here


@mistake("torch", (AssertionError, ValueError), "4", "5")
def data_set_of_unequal_lengths(t: Any) -> None:
    t.utils.data.TensorDataset(t.ones(4, 2), t.ones(5))  # here


@mistake("torch", RuntimeError, "(2, 3)", "4", line=True)
def view_of_another_size(t: Any) -> None:
    t.ones(2, 3).view(4, 2)  # here


@mistake("torch", RuntimeError, "cat", "(2, 3)", "(2, 4)", line=True)
def cat_of_unequal_shapes(t: Any) -> None:
    t.cat([t.ones(2, 3), t.ones(2, 4)], dim=0)  # here


@mistake("torch", IndexError, "5", "3", line=True)
def index_out_of_range(t: Any) -> None:
    t.ones(3)[5]  # here


@mistake("torch", IndexError, "embedding", "10", line=True)
def word_outside_the_vocabulary(t: Any) -> None:
    words = t.nn.Embedding(10, 4)(t.tensor([1, 10]))  # here
    words.sum().item()


@mistake("torch", IndexError, "5", "2", line=True)
def axis_out_of_range(t: Any) -> None:
    t.ones(2, 3).sum(dim=5)  # here


@mistake("torch", RuntimeError, "linear", "int64", "float32", line=True)
def integers_into_a_layer(t: Any) -> None:
    t.nn.Linear(3, 2)(t.tensor([[1, 2, 3]]))  # here


@mistake("torch", RuntimeError, "float64", "float32", line=True)
def numpy_doubles_into_a_layer(t: Any) -> None:
    t.nn.Linear(3, 2)(t.from_numpy(np.ones((1, 3))))  # here


@mistake("torch", ValueError, "batch_norm", "1", line=True)
def batch_of_one_into_batch_norm(t: Any) -> None:
    t.nn.BatchNorm1d(3)(t.ones(1, 3))  # here


@mistake("torch", ValueError, "1.5")
def dropout_rate_above_one(t: Any) -> None:
    t.nn.Dropout(1.5)  # here


@mistake("torch", RuntimeError, "lstm", "5", "3", line=True)
def features_of_an_lstm(t: Any) -> None:
    t.nn.LSTM(3, 4)(t.ones(2, 1, 5))  # here


@mistake("torch", ValueError, "length")
def ragged_lists(t: Any) -> None:
    t.tensor([[1, 2], [3]])  # here


@mistake("torch", (TypeError, ValueError), "str")
def tensor_of_text(t: Any) -> None:
    t.tensor(["a", "b"])  # here


@mistake("torch", TypeError, "0-d")
def loop_over_a_number(t: Any) -> None:
    for _ in t.tensor(3.0):  # here
        raise AssertionError("a 0-d tensor cannot be iterated over")


@mistake("torch", (AssertionError, RuntimeError, NotImplementedError), "cuda", "cpu", real=False)
def device_that_is_not_there(t: Any) -> None:
    t.ones(1).to("cuda")  # here


@mistake("torch", AttributeError, "reluu", "relu")
def function_that_does_not_exist(t: Any) -> None:
    t.reluu(t.ones(1))  # here


@mistake("torch", FileNotFoundError, "absent.pt")
def load_of_a_file_that_is_not_there(t: Any) -> None:
    t.load("absent.pt")  # here


@mistake("torch", (RuntimeError, ValueError, OSError, EOFError), "half.pt")
def load_of_half_a_file(t: Any) -> None:
    t.save({"w": t.ones(100)}, "half.pt")
    whole = Path("half.pt").read_bytes()
    Path("half.pt").write_bytes(whole[:len(whole) // 2])
    t.load("half.pt")  # here


class Hostile:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("touched"),)


@mistake("torch", (pickle.UnpicklingError, ValueError), "hostile.pt")
def load_of_a_hostile_file(t: Any) -> None:
    Path("hostile.pt").write_bytes(pickle.dumps(Hostile()))
    try:
        t.load("hostile.pt")  # here
    finally:
        assert not Path("touched").exists(), "code of the file was run"


# ---- keras ---------------------------------------------------------------------------------


def classifier(k: Any, **options: Any) -> Any:
    model = k.Sequential([k.Input((4,)), k.layers.Dense(8, activation="relu"),
                          k.layers.Dense(3, activation="softmax")])
    settings = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"} | options
    model.compile(**settings)
    return model


X, Y = np.ones((10, 4), "float32"), np.zeros(10, "int64")


@mistake("keras", (RuntimeError, ValueError), "compile", "fit")
def fit_before_compile(k: Any) -> None:
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
    model.fit(X, Y, verbose=0)  # here


@mistake("keras", ValueError, "adamm", "adam")
def unknown_optimizer_name(k: Any) -> None:
    classifier(k, optimizer="adamm")  # here


@mistake("keras", ValueError, "mean_square_error", "mean_squared_error")
def unknown_loss_name(k: Any) -> None:
    classifier(k, loss="mean_square_error").fit(X, Y, verbose=0)  # here


@mistake("keras", ValueError, "acuracy", "accuracy")
def unknown_metric_name(k: Any) -> None:
    classifier(k, metrics=["acuracy"]).fit(X, Y, verbose=0)  # here


@mistake("keras", ValueError, "rellu", "relu")
def unknown_activation(k: Any) -> None:
    k.layers.Dense(3, activation="rellu")  # here


@mistake("keras", ValueError, "units", "-1")
def negative_units(k: Any) -> None:
    k.layers.Dense(-1)  # here


@mistake("keras", (ValueError, TypeError), "activatoin", "activation")
def layer_keyword_misspelt(k: Any) -> None:
    k.layers.Dense(3, activatoin="relu")  # here


@mistake("keras", (ValueError, TypeError), "learning_rat", "learning_rate")
def optimizer_keyword_misspelt(k: Any) -> None:
    k.optimizers.SGD(learning_rat=0.1)  # here


@mistake("keras", TypeError, "epoch", "epochs")
def fit_keyword_misspelt(k: Any) -> None:
    classifier(k).fit(X, Y, epoch=3)  # here


@mistake("keras", ValueError, "10", "8")
def inputs_and_labels_of_unequal_length(k: Any) -> None:
    classifier(k).fit(X, Y[:8], verbose=0)  # here


@mistake("keras", ValueError, "dense", "5", "4")
def features_of_a_dense_layer(k: Any) -> None:
    classifier(k)(np.ones((2, 5), "float32"))  # here


@mistake("keras", ValueError, "5", "4")
def features_given_to_predict(k: Any) -> None:
    classifier(k).predict(np.ones((2, 5), "float32"), verbose=0)  # here


@mistake("keras", ValueError, "(4,)", "batch")
def predict_without_the_batch_axis(k: Any) -> None:
    classifier(k).predict(X[0], verbose=0)  # here


@mistake("keras", IndexError, "5", "3", real=False)
def label_above_the_number_of_classes(k: Any) -> None:
    classifier(k).fit(X, np.full(10, 5), verbose=0)  # here


@mistake("keras", ValueError, "nan", real=False)
def nan_in_the_inputs(k: Any) -> None:
    x = X.copy()
    x[7, 1] = np.nan
    classifier(k).fit(x, Y, verbose=0)  # here


@mistake("keras", ValueError, "nan", real=False)
def nan_in_the_targets(k: Any) -> None:
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.full((10, 1), np.nan), verbose=0)  # here


@mistake("keras", ValueError, "0", "empty", real=False)
def no_data_at_all(k: Any) -> None:
    classifier(k).fit(X[:0], Y[:0], verbose=0)  # here


@mistake("keras", ValueError, "validation_split", "0.5", "1")
def split_that_leaves_nothing(k: Any) -> None:
    classifier(k).fit(X[:1], Y[:1], validation_split=0.5, verbose=0)  # here


@mistake("keras", (ValueError, TypeError), "str")
def inputs_that_are_text(k: Any) -> None:
    classifier(k).fit(np.array([["a"] * 4] * 10), Y, verbose=0)  # here


@mistake("keras", ValueError, "categorical_crossentropy", "5", "3")
def one_hot_labels_of_another_number_of_classes(k: Any) -> None:
    classifier(k, loss="categorical_crossentropy").fit(X, np.eye(5)[Y], verbose=0)  # here


@mistake("keras", ValueError, "categorical_crossentropy", "sparse", real=False)
def whole_number_labels_without_sparse(k: Any) -> None:
    classifier(k, loss="categorical_crossentropy").fit(X, Y, verbose=0)  # here


@mistake("keras", ValueError, "conv2d", "4", "3")
def images_without_the_channel_axis(k: Any) -> None:
    k.layers.Conv2D(8, 3)(np.ones((2, 28, 28), "float32"))  # here


@mistake("keras", ValueError, "(5, 5)", "3")
def convolution_kernel_larger_than_the_image(k: Any) -> None:
    k.Sequential([k.Input((3, 3, 1)), k.layers.Conv2D(2, 5)])  # here


@mistake("keras", ValueError, "4", "2")
def weights_of_another_number(k: Any) -> None:
    classifier(k).set_weights([np.ones((4, 8)), np.ones(8)])  # here


@mistake("keras", ValueError, "(4, 8)", "(5, 8)")
def weights_of_another_shape(k: Any) -> None:
    model = classifier(k)
    model.set_weights([np.ones((5, 8)), *model.get_weights()[1:]])  # here


@mistake("keras", (ValueError, OSError), "absent.keras")
def model_file_that_is_not_there(k: Any) -> None:
    k.models.load_model("absent.keras")  # here


@mistake("keras", (ValueError, OSError), "wrong.txt")
def model_file_of_an_unknown_kind(k: Any) -> None:
    classifier(k).save("wrong.txt")  # here


@mistake("keras", (ValueError, TypeError), "layer", "str")
def something_added_that_is_no_layer(k: Any) -> None:
    k.Sequential().add("dense")  # here


@mistake("keras", ValueError, "concatenate", "(None, 3, 4)", "(None, 5, 4)")
def concatenate_of_unequal_shapes(k: Any) -> None:
    k.layers.Concatenate()([k.Input((3, 4)), k.Input((5, 4))])  # here


@mistake("keras", ValueError, "unique", "same")
def two_layers_of_one_name(k: Any) -> None:
    k.Sequential([k.Input((2,)), k.layers.Dense(2, name="same"),
                  k.layers.Dense(2, name="same")])  # here


@mistake("keras", ValueError, "rate", "1.5")
def keras_dropout_rate_above_one(k: Any) -> None:
    k.layers.Dropout(1.5)  # here


@mistake("keras", ValueError, "reshape", "(5,)")
def reshape_to_another_size(k: Any) -> None:
    k.Sequential([k.Input((4,)), k.layers.Reshape((5,))])  # here


@mistake("keras", (IndexError, ValueError), "5", "3")
def class_beyond_to_categorical(k: Any) -> None:
    k.utils.to_categorical([0, 5], num_classes=3)  # here


@mistake("keras", (ValueError, KeyError), "loss")
def losses_of_another_number_than_outputs(k: Any) -> None:
    x = k.Input((4,))
    model = k.Model(x, [k.layers.Dense(1)(x), k.layers.Dense(1)(x)])
    model.compile("sgd", ["mse", "mae", "mse"])
    model.fit(X, [np.ones((10, 1))] * 2, verbose=0)  # here


@mistake("keras", AttributeError, "Densee", "Dense")
def layer_that_does_not_exist(k: Any) -> None:
    k.layers.Densee(3)  # here


@mistake("keras", ValueError, "matmul", "(2, 3)", "(4, 5)", line=True, real=False)
def inner_size_of_ops_matmul(k: Any) -> None:
    x, y = np.ones((2, 3), "float32"), np.ones((4, 5), "float32")
    k.ops.matmul(k.ops.convert_to_tensor(x), k.ops.convert_to_tensor(y))  # here


# ---- tensorflow ----------------------------------------------------------------------------


@mistake("tensorflow", "errors.InvalidArgumentError", "feed", "x")
def placeholder_that_is_not_fed(tf: Any) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        session.run(x * 2.0)  # here


@mistake("tensorflow", ValueError, "(2, 3)", "(None, 4)", "x")
def placeholder_fed_with_another_shape(tf: Any) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        session.run(x * 2.0, feed_dict={x: np.ones((2, 3))})  # here


@mistake("tensorflow", RuntimeError, "closed")
def session_that_is_closed(tf: Any) -> None:
    with tf.Graph().as_default():
        session = tf.compat.v1.Session()
        value = tf.constant(1.0) * 2.0
        session.close()
        session.run(value)  # here


@mistake("tensorflow", "errors.FailedPreconditionError", "weights", "initial")
def variable_that_is_not_initialised(tf: Any) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        w = tf.compat.v1.Variable(1.0, name="weights", use_resource=False)
        session.run(w * 2.0)  # here


@mistake("tensorflow", ValueError, "matmul", "784", "64", line=True)
def inner_size_in_a_graph(tf: Any) -> None:
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 784])
        tf.matmul(x, tf.zeros([64, 10]))  # here


@mistake("tensorflow", (TypeError, ValueError), "fetch", "3.5")
def fetch_that_is_no_tensor(tf: Any) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.constant(1.0)
        session.run([3.5])  # here


@mistake("tensorflow", ValueError, "session")
def eval_without_a_session(tf: Any) -> None:
    with tf.Graph().as_default():
        (tf.constant(1.0) * 2.0).eval()  # here


@mistake("tensorflow", ValueError, "variable")
def minimise_without_variables(tf: Any) -> None:
    with tf.Graph().as_default():
        tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))  # here


@mistake("tensorflow", RuntimeError, "placeholder", "eager")
def placeholder_outside_a_graph(tf: Any) -> None:
    tf.compat.v1.placeholder(tf.float32, [2])  # here


@mistake("tensorflow", "errors.InvalidArgumentError", "matmul", "(2, 3)", "(4, 5)", line=True,
         real=False)
def inner_size_of_eager_matmul(tf: Any) -> None:
    x, w = tf.ones([2, 3]), tf.ones([4, 5])
    tf.matmul(x, w)  # here


@mistake("tensorflow", "errors.InvalidArgumentError", "int32", "float", line=True)
def sum_of_an_integer_and_a_float(tf: Any) -> None:
    tf.constant(1) + tf.constant(1.0)  # here


@mistake("tensorflow", RuntimeError, "persistent")
def tape_that_is_used_twice(tf: Any) -> None:
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    tape.gradient(y, x)  # here


@mistake("tensorflow", ValueError, "gradient")
def apply_gradients_of_nothing(tf: Any) -> None:
    x, unused = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
    found = tape.gradient(y, [unused])
    tf.keras.optimizers.SGD(0.1).apply_gradients(zip(found, [unused]))  # here


@mistake("tensorflow", ValueError, "(3,)", "(2,)")
def assign_of_another_shape(tf: Any) -> None:
    tf.Variable([1.0, 2.0]).assign([1.0, 2.0, 3.0])  # here


@mistake("tensorflow", "errors.InvalidArgumentError", "6", "4", line=True)
def eager_reshape_to_another_size(tf: Any) -> None:
    tf.reshape(tf.ones([2, 3]), [4])  # here


@mistake("tensorflow", "errors.InvalidArgumentError", "7", "3")
def sparse_label_out_of_range(tf: Any) -> None:
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=[0, 7], logits=tf.zeros([2, 3]))  # here
    loss.numpy()


@mistake("tensorflow", ValueError, "compile")
def tf_keras_fit_before_compile(tf: Any) -> None:
    tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1)]).fit(X, Y)  # here


@mistake("tensorflow", AttributeError, "matmull", "matmul")
def tf_function_that_does_not_exist(tf: Any) -> None:
    tf.matmull(1, 2)  # here
