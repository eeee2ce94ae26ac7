"""Every metric that Keras has gives Keras' numbers, batch after batch, weighted and not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tricord import metrics

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

KINDS = ["regression", "positive", "binary", "column", "onehot", "sparse", "labels", "signs",
         "masks", "multilabel"]


def batch(kind: str, seed: int, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    if kind == "regression":
        return (random.standard_normal((n, 3)).astype("float32"),
                random.standard_normal((n, 3)).astype("float32"))
    if kind == "positive":
        return (random.uniform(0.1, 2, (n, 3)).astype("float32"),
                random.uniform(0.1, 2, (n, 3)).astype("float32"))
    if kind == "binary":
        return random.randint(0, 2, n), random.uniform(0, 1, n).astype("float32")
    if kind == "column":
        return random.randint(0, 2, (n, 1)), random.uniform(0, 1, (n, 1)).astype("float32")
    if kind == "onehot":
        scores = random.uniform(0, 1, (n, 4)).astype("float32")
        return (np.eye(4, dtype="float32")[random.randint(0, 4, n)],
                scores / scores.sum(1, keepdims=True))
    if kind == "sparse":
        scores = random.uniform(0, 1, (n, 4)).astype("float32")
        return random.randint(0, 4, n), scores / scores.sum(1, keepdims=True)
    if kind == "labels":
        return random.randint(0, 3, n), random.randint(0, 3, n)
    if kind == "masks":
        return random.randint(0, 2, (n, 2, 3)), random.uniform(0, 1, (n, 2, 3)).astype("float32")
    if kind == "multilabel":
        return random.randint(0, 2, (n, 4)), random.uniform(0, 1, (n, 4)).astype("float32")
    return (random.choice([-1.0, 1.0], (n, 3)).astype("float32"),
            random.standard_normal((n, 3)).astype("float32"))


CASES: list[tuple[str, str, dict[str, Any]]] = [
    *[(n, "regression", {}) for n in ("MeanSquaredError", "RootMeanSquaredError", "LogCoshError",
                                      "MeanAbsoluteError", "CosineSimilarity", "R2Score",
                                      "PearsonCorrelation", "ConcordanceCorrelation")],
    ("R2Score", "regression", {"class_aggregation": None}),
    ("R2Score", "regression", {"class_aggregation": "variance_weighted_average"}),
    ("R2Score", "regression", {"num_regressors": 3}),
    ("CosineSimilarity", "masks", {"axis": 2}),
    *[(n, "positive", {}) for n in ("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
                                    "Poisson", "KLDivergence")],
    *[(n, "signs", {}) for n in ("Hinge", "SquaredHinge")],
    ("CategoricalHinge", "onehot", {}),
    *[(n, "binary", {}) for n in ("BinaryAccuracy", "Precision", "Recall", "AUC", "TruePositives",
                                  "FalsePositives", "TrueNegatives", "FalseNegatives")],
    *[(n, "column", {}) for n in ("BinaryAccuracy", "AUC", "BinaryCrossentropy", "Precision")],
    ("BinaryCrossentropy", "column", {"from_logits": True, "label_smoothing": 0.1}),
    ("BinaryAccuracy", "binary", {"threshold": 0.3}),
    ("Precision", "binary", {"thresholds": [0.7, 0.2]}),
    ("Recall", "binary", {"thresholds": 0.3}), ("Precision", "onehot", {"top_k": 2}),
    ("Recall", "onehot", {"class_id": 1}), ("Recall", "onehot", {"top_k": 1, "class_id": 2}),
    ("AUC", "binary", {"curve": "PR", "num_thresholds": 50}), ("AUC", "binary", {"curve": "PR"}),
    ("AUC", "binary", {"summation_method": "minoring"}),
    ("AUC", "binary", {"summation_method": "majoring", "curve": "PR"}),
    ("AUC", "binary", {"thresholds": [0.1, 0.5, 0.6]}), ("AUC", "binary", {"from_logits": True}),
    ("AUC", "multilabel", {"multi_label": True}),
    ("AUC", "multilabel", {"multi_label": True, "num_labels": 4, "curve": "PR"}),
    ("AUC", "multilabel", {"multi_label": True, "num_labels": 4,
                           "label_weights": [1.0, 0.5, 2.0, 0.1]}),
    ("AUC", "masks", {}),
    ("SensitivityAtSpecificity", "binary", {"specificity": 0.5}),
    ("SpecificityAtSensitivity", "binary", {"sensitivity": 0.5, "num_thresholds": 30}),
    ("PrecisionAtRecall", "binary", {"recall": 0.5}),
    ("RecallAtPrecision", "binary", {"precision": 0.4}),
    ("F1Score", "onehot", {}), ("F1Score", "onehot", {"average": "macro"}),
    ("FBetaScore", "onehot", {"beta": 2.0, "average": "weighted"}),
    ("FBetaScore", "multilabel", {"average": "micro", "threshold": 0.4}),
    ("CategoricalAccuracy", "onehot", {}), ("TopKCategoricalAccuracy", "onehot", {"k": 2}),
    ("CategoricalCrossentropy", "onehot", {}),
    ("CategoricalCrossentropy", "onehot", {"from_logits": True, "label_smoothing": 0.1}),
    ("KLDivergence", "onehot", {}), ("SparseCategoricalAccuracy", "sparse", {}),
    ("SparseTopKCategoricalAccuracy", "sparse", {"k": 2}),
    ("SparseCategoricalCrossentropy", "sparse", {}),
    ("SparseCategoricalCrossentropy", "sparse", {"from_logits": True}),
    ("Accuracy", "labels", {}), ("MeanIoU", "labels", {"num_classes": 3}),
    ("IoU", "labels", {"num_classes": 3, "target_class_ids": [0, 2]}),
    ("MeanIoU", "labels", {"num_classes": 3, "ignore_class": 1}),
    ("OneHotIoU", "onehot", {"num_classes": 4, "target_class_ids": [1]}),
    ("OneHotMeanIoU", "onehot", {"num_classes": 4}), ("BinaryIoU", "binary", {"threshold": 0.3}),
    ("MeanSquaredError", "masks", {}), ("MeanAbsoluteError", "column", {}),
]


def number(value: Any) -> np.ndarray:
    return value.numpy() if hasattr(value, "_type") else keras.ops.convert_to_numpy(value)


@pytest.mark.parametrize(("name", "kind", "options"), CASES)
def test_numbers_are_those_of_keras(name: str, kind: str, options: dict[str, Any]) -> None:
    mine, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    if "name" not in options and theirs.name.rstrip("_0123456789") != mine.name:
        assert mine.name == theirs.name.rstrip("_0123456789")

    def compare(what: str) -> None:
        got, expected = number(mine.result()), number(theirs.result())
        assert got.shape == expected.shape and got.dtype == expected.dtype, what
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6, err_msg=what)

    for seed in range(4):
        truth, prediction = batch(kind, seed)
        mine.update_state(truth, prediction)
        theirs.update_state(truth, prediction)
        compare(f"batch {seed}")
    mine.reset_state()
    theirs.reset_state()
    truth, prediction = batch(kind, 9)
    weight = np.linspace(0.5, 1.5, len(truth)).astype("float32")
    if kind == "masks" and name == "AUC":
        weight = np.broadcast_to(weight[:, None, None], truth.shape)
    mine.update_state(truth, prediction, sample_weight=weight)
    theirs.update_state(truth, prediction, sample_weight=weight)
    compare("weighted")
    ours, config = mine.get_config(), theirs.get_config()
    assert {k for k in config if k != "fn"} - set(ours) == set()
    again = type(mine).from_config(ours)
    again.update_state(truth, prediction, sample_weight=weight)
    np.testing.assert_array_equal(number(again.result()), number(mine.result()))


@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_reductions(name: str) -> None:
    mine, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    random = np.random.RandomState(0)
    for values, weight in [(3.0, None), (np.float32([1, 2, 3]), None),
                           (random.rand(3, 4).astype("float32"), None),
                           (random.rand(3, 4).astype("float32"), random.rand(3).astype("float32")),
                           (random.rand(3, 2).astype("float32"), random.rand(3, 2)),
                           (random.rand(3, 2, 2), random.rand(3, 2)),
                           (random.rand(3).astype("float32"), 0.5)]:
        mine.update_state(values, sample_weight=weight)
        theirs.update_state(values, sample_weight=weight)
        np.testing.assert_allclose(number(mine.result()), number(theirs.result()), rtol=1e-5)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("Precision", {"thresholds": [1.5]}), ("AUC", {"num_thresholds": 1}), ("AUC", {"curve": "X"}),
    ("SensitivityAtSpecificity", {"specificity": -1}), ("FBetaScore", {"beta": 0.0}),
    ("FBetaScore", {"average": "x"}), ("F1Score", {"threshold": 2.0}),
    ("R2Score", {"class_aggregation": "x"}), ("R2Score", {"num_regressors": -1}),
    ("IoU", {"num_classes": 2, "target_class_ids": [2]})]


@pytest.mark.parametrize(("name", "options"), BAD)
def test_what_keras_refuses_is_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        getattr(keras.metrics, name)(**options)
    with pytest.raises(ValueError, match=r"."):
        getattr(metrics, name)(**options)


def test_every_metric_of_keras_is_there() -> None:
    classes = [n for n in dir(keras.metrics) if isinstance(getattr(keras.metrics, n), type)]
    assert [n for n in classes if not hasattr(metrics, n)] == []
