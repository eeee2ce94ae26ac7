"""Metrics against scikit-learn and closed formulas; laziness, merging, state, memory."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from tricord import metrics as m
from tricord.errors import ArgumentError, EmptyDataError, IndexRangeError, ShapeError, StateError
from tricord.ir.node import node_count
from tricord.tensor import tensor
from tricord.tensor.recorder import cut, state

scores = pytest.importorskip("sklearn.metrics")


def labels(n: int = 200, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    truth = random.randint(0, classes, n)
    return truth, np.where(random.rand(n) < 0.6, truth, random.randint(0, classes, n))


def in_batches(metric: Any, *arrays: np.ndarray, size: int = 37) -> Any:
    for start in range(0, len(arrays[0]), size):
        metric.update_state(*[a[start:start + size] for a in arrays])
    result = metric.result()
    return result.numpy() if hasattr(result, "numpy") else result


def close(got: Any, expected: Any, rtol: float = 1e-6) -> None:
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_confusion_family_is_sklearn_s(weighted: bool) -> None:
    truth, chosen = labels()
    weight = np.random.RandomState(1).rand(len(truth)) if weighted else np.ones(len(truth))
    given = (truth, chosen, weight) if weighted else (truth, chosen)
    close(in_batches(m.ConfusionMatrix(4), *given),
          scores.confusion_matrix(truth, chosen, sample_weight=weight))
    close(in_batches(m.MatthewsCorrelation(4), *given),
          scores.matthews_corrcoef(truth, chosen, sample_weight=weight), 1e-5)
    close(in_batches(m.MeanIoU(4, dtype="float32"), *given),
          scores.jaccard_score(truth, chosen, average="macro", sample_weight=weight), 1e-5)
    report = in_batches(m.ClassReport(4, sparse_y_pred=True), *given)
    expected = scores.precision_recall_fscore_support(truth, chosen, sample_weight=weight)
    for kind, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        close(report[kind].numpy(), values, 1e-5)
    close(in_batches(m.PerClassAccuracy(4, sparse_y_pred=True), *given), expected[1], 1e-5)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", None])
def test_f_scores_are_sklearn_s(average: str | None) -> None:
    truth, chosen = labels()
    hot = np.eye(4, dtype=np.float32)
    got = in_batches(m.FBetaScore(average, beta=2.0), hot[truth], hot[chosen])
    close(got, scores.fbeta_score(truth, chosen, beta=2.0, average=average), 1e-5)


def test_precision_recall_and_accuracy_are_sklearn_s() -> None:
    random = np.random.RandomState(2)
    truth, probability = random.randint(0, 2, 300), random.rand(300)
    decided = probability > 0.5
    close(in_batches(m.Precision(), truth, probability), scores.precision_score(truth, decided))
    close(in_batches(m.Recall(), truth, probability), scores.recall_score(truth, decided))
    close(in_batches(m.BinaryAccuracy(), truth[:, None], probability[:, None]),
          scores.accuracy_score(truth, decided))
    table = random.rand(300, 5)
    classes = random.randint(0, 5, 300)
    for k in (1, 2, 4):
        close(in_batches(m.SparseTopKCategoricalAccuracy(k), classes, table),
              scores.top_k_accuracy_score(classes, table, k=k))
    ids = np.argsort(-table, axis=1)
    close(in_batches(m.SparseTopKCategoricalAccuracy(2, from_sorted_ids=True), classes, ids),
          scores.top_k_accuracy_score(classes, table, k=2))


@pytest.mark.parametrize("weighted", [False, True])
def test_exact_auc_is_sklearn_s(weighted: bool) -> None:
    random = np.random.RandomState(3)
    truth = random.randint(0, 2, 400)
    score = np.round(random.rand(400) + 0.3 * truth, 2).astype(np.float32)  # with ties
    weight = random.rand(400) if weighted else np.ones(400)
    assert m.roc_auc(truth, score, weight) == pytest.approx(
        scores.roc_auc_score(truth, score, sample_weight=weight))
    assert m.average_precision(truth, score, weight) == pytest.approx(
        scores.average_precision_score(truth, score, sample_weight=weight))
    close(in_batches(m.ExactAUC(), truth, score, weight), m.roc_auc(truth, score, weight))
    close(in_batches(m.ExactAUC("PR"), truth, score, weight),
          m.average_precision(truth, score, weight))


def test_auc_by_many_thresholds_comes_near_the_exact_one() -> None:
    random = np.random.RandomState(4)
    truth = random.randint(0, 2, 500)
    score = np.clip(random.rand(500) * 0.7 + 0.3 * truth * random.rand(500), 0, 1)
    close(in_batches(m.AUC(2000), truth, score), scores.roc_auc_score(truth, score), 1e-3)


def test_regression_is_sklearn_s() -> None:
    random = np.random.RandomState(5)
    truth = random.uniform(1, 3, (120, 2))
    guess = truth + random.standard_normal((120, 2)) * 0.3
    f64 = {"dtype": "float64"}
    for metric, reference in [
            (m.MeanSquaredError(**f64), scores.mean_squared_error),
            (m.RootMeanSquaredError(**f64), scores.root_mean_squared_error),
            (m.MeanAbsoluteError(**f64), scores.mean_absolute_error),
            (m.MeanSquaredLogarithmicError(**f64), scores.mean_squared_log_error),
            (m.R2Score(**f64), scores.r2_score)]:
        if isinstance(metric, m.RootMeanSquaredError):
            expected = np.sqrt(scores.mean_squared_error(truth, guess))
        else:
            expected = reference(truth, guess)
        close(in_batches(metric, truth, guess), expected)
    close(in_batches(m.MeanAbsolutePercentageError(**f64), truth, guess),
          100 * scores.mean_absolute_percentage_error(truth, guess))
    close(in_batches(m.SparseCategoricalCrossentropy(**f64), np.r_[0, 1, 1],
                     np.array([[0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])),
          scores.log_loss([0, 1, 1], [[0.7, 0.3], [0.4, 0.6], [0.8, 0.2]]))


def test_an_update_computes_nothing_and_the_result_is_one_cut() -> None:
    metric = m.SparseCategoricalAccuracy()
    metric.update_state([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    cut()
    cuts = state.cuts
    metric.update_state([0, 1], [[0.9, 0.1], [0.8, 0.2]])
    result = metric.result()
    assert state.cuts == cuts and result._value is None
    assert result.item() == 0.75
    assert state.cuts == cuts + 1


def test_truth_that_changes_after_the_update_does_not_matter() -> None:
    truth = np.array([1.0, 0.0])
    metric = m.Accuracy()
    metric.update_state(truth, [1.0, 0.0])
    truth[:] = 5.0
    assert metric.result().item() == 1.0


def test_counts_go_on_beyond_single_precision() -> None:
    metric = m.Mean()
    metric.load_state_dict({"total": 2.0 ** 24, "count": 2.0 ** 24})
    for _ in range(4):
        metric.update_state([0.0])
    assert metric.state_dict()["count"] == 2 ** 24 + 4


def test_gradients_do_not_flow_into_metrics() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    metric = m.Mean()
    metric.update_state(x * 2)
    assert not metric.result().requires_grad
    (x * x).reshape(2).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("make", [
    m.Mean, m.SparseCategoricalAccuracy, lambda: m.ConfusionMatrix(3), m.Precision])
def test_merging_is_seeing_all_batches(make: Any) -> None:
    parts, whole = [make(), make(), make()], make()
    random = np.random.RandomState(0)
    for part in parts:
        if isinstance(part, m.SparseCategoricalAccuracy):
            given = random.randint(0, 3, 5), random.rand(5, 3)
        elif isinstance(part, m.ConfusionMatrix):
            given = random.randint(0, 3, 5), random.randint(0, 3, 5)
        elif isinstance(part, m.Precision):
            given = random.randint(0, 2, 5), random.rand(5)
        else:
            given = (random.rand(5),)  # type: ignore[assignment]
        part.update_state(*given)
        whole.update_state(*given)
    parts[0].merge(parts[1:])
    close(parts[0].result().numpy(), whole.result().numpy())


def test_merge_builds_what_is_not_built_and_refuses_other_kinds() -> None:
    truth, guess = np.eye(4, 2), np.ones((4, 2))
    built, empty = m.R2Score(), m.R2Score()
    built.update_state(truth, guess)
    empty.merge([built, m.R2Score()])
    close(empty.result().numpy(), built.result().numpy())
    with pytest.raises(ArgumentError, match="cannot merge a Sum into a Mean"):
        m.Mean().merge([m.Sum()])


def test_state_round_trip() -> None:
    metric = m.AUC(20)
    metric.update_state([0, 1, 1], [0.1, 0.8, 0.3])
    other = m.AUC(20)
    other.load_state_dict(metric.state_dict())
    assert other.result().item() == metric.result().item()
    with pytest.raises(StateError, match="the saved state holds"):
        m.Mean().load_state_dict(metric.state_dict())


def test_reset_starts_over() -> None:
    metric = m.Mean()
    assert metric([4.0]).item() == 4.0
    metric.reset_state()
    assert metric.result().item() == 0.0
    assert metric([2.0]).item() == 2.0


def test_memory_is_flat_over_many_updates() -> None:
    metric = m.SparseCategoricalAccuracy()
    truth, guess = tensor([0, 1]), tensor([[0.9, 0.1], [0.2, 0.8]])
    for _ in range(3):
        metric.update_state(truth, guess)
        cut()
    gc.collect()
    nodes, programs, objects = node_count(), len(state.programs), len(gc.get_objects())
    for _ in range(500):
        metric.update_state(truth, guess)
        cut()
    gc.collect()
    assert node_count() == nodes and len(state.programs) == programs
    assert len(gc.get_objects()) < objects + 200
    assert metric.result().item() == 1.0


def test_updates_without_looking_are_evaluated_at_the_node_budget() -> None:
    metric = m.Sum()
    one = tensor([1.0])
    cuts = state.cuts
    for _ in range(25_000):
        metric.update_state(one)
    assert state.cuts > cuts
    assert metric.result().item() == 25_000


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ShapeError, match=r"sample_weight: shape \(3,\) does not fit"):
        m.Mean().update_state([1.0, 2.0], sample_weight=[1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="must have one shape"):
        m.Precision().update_state([0, 1], [[0.1, 0.2, 0.3]])
    with pytest.raises(ArgumentError, match="num_classes"):
        m.ConfusionMatrix(0)
    with pytest.raises(EmptyDataError):
        m.roc_auc([], [])
    for truth, guess in (([0, 3], [0, 1]), ([0, 1], [0, 3]), ([0, -1], [0, 1])):
        metric = m.ConfusionMatrix(3)
        metric.update_state(truth, guess)
        with pytest.raises(IndexRangeError):
            metric.result().numpy()


def test_a_failed_update_leaves_the_state_before_it() -> None:
    metric = m.ConfusionMatrix(2)
    metric.update_state([0, 1], [0, 1])
    cut()
    metric.update_state([5], [0])
    with pytest.raises(IndexRangeError):
        cut()
    assert metric.result().tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_any_function_can_be_averaged() -> None:
    metric = m.MeanMetricWrapper(lambda t, p, scale: (t - p) * scale, name="shift", scale=2.0)
    metric.update_state([1.0, 2.0], [0.0, 0.0])
    assert (metric.name, metric.result().item()) == ("shift", 3.0)
