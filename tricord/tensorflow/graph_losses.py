"""``tf.compat.v1.losses``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..functions import elementwise as fn
from ..functions import tensorflow as tfn
from ..ir.dtypes import float32
from ..ir.node import Node
from . import array_ops, math_ops, nn_ops
from ._names import explain_keywords, public_names, unknown_name
from ._op import op
from .graph import GraphKeys, GraphValue, default_graph
from .shapes import TensorShape
from .tensors import apply, cast_to, convert, number_or_tensor, where_now


class Reduction:
    """How the losses of a batch become one number."""

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)


_DEFAULT = Reduction.SUM_BY_NONZERO_WEIGHTS


@op(name="weighted_loss")
def _weighted(losses: Any, weights: Any, reduction: str) -> Any:
    if reduction not in Reduction.all():
        raise ArgumentError(f"Invalid Reduction Key {reduction}.", where=where_now(),
                            hint="tf.compat.v1.losses.Reduction has them")
    values = cast_to(convert(losses), float32)
    return apply(tfn.weighted_loss, (values, number_or_tensor(weights, float32)), reduction)


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: Any = None,
                          loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT
                          ) -> Any:
    """Losses times weights, brought to one number and put into a collection."""
    found = _weighted(losses, weights, reduction)
    add_loss(found, loss_collection)
    return found


def add_loss(loss: Any, loss_collection: Any = GraphKeys.LOSSES) -> None:
    """Put a loss into a collection."""
    if loss_collection and isinstance(loss, GraphValue):
        loss.graph.add_to_collection(loss_collection, loss)


def _pairwise(name: str, terms: Callable[..., Node]) -> Any:
    @op(name=name)
    def elements(labels: Any, predictions: Any, extra: tuple[Any, ...]) -> Any:
        guess = cast_to(convert(predictions), float32)
        truth = cast_to(convert(labels), float32)
        if tuple(truth.shape) != tuple(guess.shape):
            raise ShapeError(f"Shapes {tuple(guess.shape)} and {tuple(truth.shape)} are "
                             "incompatible", where=where_now())
        return apply(terms, (truth, guess), *extra)

    return elements


_squares = _pairwise("SquaredDifference", fn.squared_difference)
_distances = _pairwise("absolute_difference", tfn.absolute_difference)
_logs = _pairwise("log_loss", tfn.log_loss)
_hinges = _pairwise("hinge_loss", tfn.hinge_loss)
_hubers = _pairwise("huber_loss", tfn.huber_terms)


def mean_squared_error(labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None,
                       loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT) -> Any:
    """The mean square of the differences."""
    return compute_weighted_loss(_squares(labels, predictions, ()), weights, scope,
                                 loss_collection, reduction)


def absolute_difference(labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None,
                        loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT
                        ) -> Any:
    """The mean size of the differences."""
    return compute_weighted_loss(_distances(labels, predictions, ()), weights, scope,
                                 loss_collection, reduction)


def log_loss(labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7,
             scope: Any = None, loss_collection: Any = GraphKeys.LOSSES,
             reduction: str = _DEFAULT) -> Any:
    """Cross entropy of probabilities against yes-or-no labels."""
    return compute_weighted_loss(_logs(labels, predictions, (float(epsilon),)), weights, scope,
                                 loss_collection, reduction)


def hinge_loss(labels: Any, logits: Any, weights: Any = 1.0, scope: Any = None,
               loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT) -> Any:
    """Hinge loss for labels 0 and 1."""
    return compute_weighted_loss(_hinges(labels, logits, ()), weights, scope, loss_collection,
                                 reduction)


def huber_loss(labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0,
               scope: Any = None, loss_collection: Any = GraphKeys.LOSSES,
               reduction: str = _DEFAULT) -> Any:
    """Squares for small errors, sizes for large ones."""
    return compute_weighted_loss(_hubers(labels, predictions, (float(delta),)), weights, scope,
                                 loss_collection, reduction)


def softmax_cross_entropy(onehot_labels: Any, logits: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: Any = None,
                          loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT
                          ) -> Any:
    """Cross entropy of logits against rows of probabilities."""
    truth = math_ops.cast(onehot_labels, float32)
    if label_smoothing:
        classes = TensorShape(truth.shape)[-1]
        truth = math_ops.add(math_ops.multiply(truth, 1.0 - label_smoothing),
                             label_smoothing / float(classes or 1))
    found = nn_ops.softmax_cross_entropy_with_logits(labels=truth, logits=logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)


@op(name="squeeze_labels")
def _squeezed(labels: Any, logits: Any) -> Any:
    truth = convert(labels)
    if truth.ndim == convert(logits).ndim and truth.shape[-1] == 1:
        return array_ops.squeeze(truth, -1)
    return truth


def sparse_softmax_cross_entropy(labels: Any, logits: Any, weights: Any = 1.0, scope: Any = None,
                                 loss_collection: Any = GraphKeys.LOSSES,
                                 reduction: str = _DEFAULT) -> Any:
    """Cross entropy of logits against class numbers."""
    found = nn_ops.sparse_softmax_cross_entropy_with_logits(
        labels=_squeezed(labels, logits), logits=logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)


def sigmoid_cross_entropy(multi_class_labels: Any, logits: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: Any = None,
                          loss_collection: Any = GraphKeys.LOSSES, reduction: str = _DEFAULT
                          ) -> Any:
    """Cross entropy of independent yes-or-no labels."""
    truth = math_ops.cast(multi_class_labels, float32)
    if label_smoothing:
        truth = math_ops.add(math_ops.multiply(truth, 1.0 - label_smoothing),
                             0.5 * label_smoothing)
    found = nn_ops.sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)


def get_losses(scope: str | None = None, loss_collection: Any = GraphKeys.LOSSES) -> list[Any]:
    """The losses of a collection."""
    return default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    return default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None) -> Any:
    """The sum of the losses of regularizers."""
    found = get_regularization_losses(scope)
    return math_ops.add_n(found) if found else array_ops.constant(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss",
                   scope: str | None = None) -> Any:
    """The sum of all losses."""
    found = get_losses(scope)
    if add_regularization_losses:
        found += get_regularization_losses(scope)
    return math_ops.add_n(found, name=name)


explain_keywords(globals())

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
