"""The Trainer: fit, evaluate, predict; breaking off anywhere and going on; flat memory."""

from __future__ import annotations

import gc
import resource
from typing import Any

import numpy as np
import pytest

import tricord.nn.functional as F
from tricord import nn, optim, train
from tricord.data import DataLoader, TensorDataset
from tricord.errors import (
    ArgumentError,
    EmptyDataError,
    IndexRangeError,
    NonFiniteError,
    StateError,
)
from tricord.ir.node import node_count
from tricord.metrics import MeanSquaredError, SparseCategoricalAccuracy
from tricord.random import manual_seed
from tricord.tensor.recorder import state
from tricord.train import Trainer


def data(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    x = random.standard_normal((n, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype(np.int64)


class Net(nn.Module):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = nn.Linear(4, 8)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        return self.out(self.dropout(F.relu(self.hidden(x))))


def trainer(dropout: float = 0.0, schedule: Any = None, **options: Any) -> Trainer:
    manual_seed(3)
    net = Net(dropout)
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    return Trainer(net, F.cross_entropy, optimizer, [SparseCategoricalAccuracy("accuracy")],
                   schedule=schedule and schedule(optimizer), **options)


def weights(t: Trainer) -> list[np.ndarray]:
    return [p.numpy() for p in t.module.parameters()]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_fit_is_the_loop_one_would_write() -> None:
    x, y = data(20)
    one, other = trainer(), trainer()
    history = one.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    losses = []
    for _ in range(2):
        total = 0.0
        for i in range(0, 20, 8):
            xb, yb = train.batches.to_tensors(x[i:i + 8]), train.batches.to_tensors(y[i:i + 8])
            other.optimizer.zero_grad()
            loss = F.cross_entropy(other.module(xb), yb)
            loss.backward()
            other.optimizer.step()
            total += loss.item() * len(x[i:i + 8])
        losses.append(total / 20)
    assert same(weights(one), weights(other))
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-6)
    assert list(history.history) == ["accuracy", "loss"] and history.epoch == [0, 1]


def test_it_learns_and_evaluates_and_predicts() -> None:
    x, y = data(200)
    t = trainer()
    history = t.fit(x, y, epochs=15, validation_split=0.25, verbose=0)
    assert history.history["val_accuracy"][-1] > 0.9
    assert set(t.evaluate(x, y, verbose=0)) == {"loss", "accuracy"}
    predictions = t.predict(x, verbose=0)
    assert predictions.shape == (200, 2)
    assert (predictions.argmax(1) == y).mean() == pytest.approx(
        t.evaluate(x, y, verbose=0)["accuracy"])
    assert not t.module.training


def test_a_step_is_one_cut_and_one_program() -> None:
    x, y = data(64)
    t = trainer()
    t.fit(x, y, batch_size=16, verbose=0)
    cuts, built = state.cuts, state.programs_built
    t.fit(x, y, batch_size=16, verbose=0)
    # the first step starts from values that reset_metrics made anew; the end looks at the logs
    assert state.cuts - cuts <= 4 + 2
    assert state.programs_built - built <= 1


@pytest.mark.parametrize("kind", ["arrays", "loader", "generator"])
def test_all_kinds_of_data_give_the_same_weights(kind: str) -> None:
    x, y = data(24)
    expected, got = trainer(), trainer()
    expected.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    if kind == "arrays":
        got.fit({"x": x}, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    elif kind == "loader":
        got.fit(DataLoader(TensorDataset(x, y), batch_size=8), epochs=2, verbose=0)
    else:
        def endless() -> Any:
            while True:
                for i in range(0, 24, 8):
                    yield x[i:i + 8], y[i:i + 8]
        got.fit(endless(), epochs=2, steps_per_epoch=3, verbose=0)
    assert same(weights(expected), weights(got))


def test_a_second_fit_shuffles_in_another_order() -> None:
    x, y = data(32)
    orders: list[Any] = []
    t = trainer()

    class Watch(train.Callback):
        pass

    source = train.source_of(x, y, batch_size=4)
    inner = source.epoch
    source.epoch = lambda number, start=0: orders.append(number) or inner(number, start)  # type: ignore[method-assign,func-returns-value]
    t.fit(source, epochs=2, verbose=0, callbacks=Watch())
    t.fit(source, epochs=2, verbose=0)
    assert orders == [0, 1, 2, 3]


def test_sample_weights_want_a_loss_per_sample() -> None:
    x, y = data(16)
    t = trainer()
    with pytest.raises(ArgumentError, match="the loss is one number for the whole batch"):
        t.fit(x, y, sample_weight=np.ones(16), verbose=0)
    one, other = trainer(), trainer()
    for each in (one, other):
        each.loss = lambda o, t: F.cross_entropy(o, t, reduction="none")
    one.fit(x, y, sample_weight=np.ones(16), verbose=0)
    other.fit(x, y, verbose=0)
    assert same(weights(one), weights(other))
    other.fit(x, y, class_weight={0: 1.0, 1: 5.0}, verbose=0)
    assert not same(weights(one), weights(other))


def test_validation_data_of_all_kinds() -> None:
    x, y = data(20)
    t = trainer()
    for held in ((x, y), (x, y, np.ones(20)), DataLoader(TensorDataset(x, y), batch_size=5)):
        t.loss = lambda o, t: F.cross_entropy(o, t, reduction="none")
        history = t.fit(x, y, epochs=4, validation_data=held, validation_freq=2, verbose=0)
        assert len(history.history["val_loss"]) == 2 and len(history.history["loss"]) == 4
    part = t.fit(x, y, validation_data=(x, y), validation_steps=2, validation_batch_size=5,
                 verbose=0).history["val_loss"][0]
    t.loss = F.cross_entropy
    assert part == pytest.approx(t.evaluate(x[:10], y[:10], verbose=0)["loss"])


def test_nothing_to_train_on_leaves_the_model_alone() -> None:
    x, y = data(1)
    t = trainer()
    before = weights(t)
    with pytest.raises(EmptyDataError, match="not sufficient to split"):
        t.fit(x, y, validation_split=0.5, verbose=0)
    with pytest.raises(EmptyDataError):
        t.fit(iter([]), verbose=0)
    with pytest.raises(EmptyDataError):
        t.evaluate(x[:0], y[:0], verbose=0)
    assert same(weights(t), before)


def test_a_label_out_of_range_leaves_the_weights_of_the_step_before() -> None:
    x, y = data(16)
    y[13] = 9
    t, clean = trainer(), trainer()
    with pytest.raises(IndexRangeError, match="9"):
        t.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    clean.fit(x[:8], y[:8], batch_size=8, shuffle=False, verbose=0)
    assert same(weights(t), weights(clean))
    t.fit(x[:8], y[:8], verbose=0)


# ---- breaking off and going on

class Break(Exception):
    pass


class BreakAt(train.Callback):
    """Saves after step ``at``, and breaks off one step later."""

    def __init__(self, at: int, path: Any) -> None:
        super().__init__()
        self.at, self.path, self.done = at, path, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.done == self.at:
            raise Break

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1
        if self.done == self.at:
            self.model.save_checkpoint(self.path)


def cosine(optimizer: Any) -> Any:
    return optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)


RUNS: list[tuple[str, dict[str, Any]]] = [
    ("plain", {}), ("dropout", {"dropout": 0.4}),
    ("schedule", {"schedule": cosine}),
    ("schedule by step", {"schedule": cosine, "schedule_every": "step"})]


@pytest.mark.parametrize(("name", "options"), RUNS)
@pytest.mark.parametrize("at", range(1, 12, 2))
def test_a_resumed_run_ends_with_the_same_bits(name: str, options: dict[str, Any], at: int,
                                               tmp_path: Any) -> None:
    x, y = data(30)
    fit = {"epochs": 3, "batch_size": 8, "verbose": 0, "validation_data": (x[:8], y[:8])}
    whole = trainer(**options)
    history = whole.fit(x, y, callbacks=[train.EarlyStopping(patience=9)], **fit)
    broken = trainer(**options)
    with pytest.raises(Break):
        broken.fit(x, y, callbacks=[train.EarlyStopping(patience=9), BreakAt(
            at, tmp_path / "run")], **fit)
    manual_seed(99)
    again = trainer(**options)
    for p in again.module.parameters():
        p.data.fill_(7.0)
    resumed = again.resume(tmp_path / "run").fit(
        x, y, callbacks=[train.EarlyStopping(patience=9), train.Callback()], **fit)
    assert same(weights(whole), weights(again))
    assert resumed.history == history.history and resumed.epoch == history.epoch


def test_a_loader_goes_on_where_it_was(tmp_path: Any) -> None:
    x, y = data(30)

    def loader() -> DataLoader:
        return DataLoader(TensorDataset(x, y), batch_size=4, shuffle=True, generator=5)

    whole, broken, again = trainer(), trainer(), trainer()
    whole.fit(loader(), epochs=3, verbose=0)
    with pytest.raises(Break):
        broken.fit(loader(), epochs=3, verbose=0, callbacks=BreakAt(11, tmp_path / "run"))
    again.resume(tmp_path / "run").fit(loader(), epochs=3, verbose=0)
    assert same(weights(whole), weights(again))


def test_backup_and_restore_needs_no_change_of_the_program(tmp_path: Any) -> None:
    x, y = data(30)

    def program(*more: Any) -> Trainer:
        t = trainer(dropout=0.2)
        t.fit(x, y, epochs=4, batch_size=8, verbose=0, callbacks=[
            *more, train.BackupAndRestore(tmp_path, save_freq=3)])
        return t

    whole = trainer(dropout=0.2)
    whole.fit(x, y, epochs=4, batch_size=8, verbose=0)
    for at in (5, 4):
        with pytest.raises(Break):
            program(BreakAt(at, tmp_path / "unused"))
    assert same(weights(program()), weights(whole))
    assert not (tmp_path / "run.tricord").exists()


def test_a_finished_run_can_be_lengthened(tmp_path: Any) -> None:
    x, y = data(30)
    whole = trainer(0.3)
    whole.fit(x, y, epochs=4, verbose=0)
    first = trainer(0.3)  # starts the generator anew, as a program does
    first.fit(x, y, epochs=2, verbose=0)
    first.save_checkpoint(tmp_path / "run")
    second = trainer(0.3)
    second.resume(tmp_path / "run").fit(x, y, epochs=4, verbose=0)
    assert same(weights(whole), weights(second))


def test_weights_alone(tmp_path: Any) -> None:
    x, y = data(16)
    t, other = trainer(), trainer()
    t.fit(x, y, verbose=0)
    t.save_checkpoint(tmp_path / "w", weights_only=True)
    other.resume(tmp_path / "w")
    assert same(weights(t), weights(other))
    with pytest.raises(StateError, match="does not hold a run"):
        other._resume = {"weights": {}}
        other.fit(x, y, verbose=0)


# ---- memory

def test_ten_thousand_predictions_keep_memory_flat() -> None:
    x, _ = data(4)
    t = trainer()
    for _ in range(20):
        t.predict(x, verbose=0)
    gc.collect()
    gc.disable()  # what needs the collector counts as a leak
    try:
        objects, nodes, programs = len(gc.get_objects()), node_count(), len(state.programs)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(10_000):
            t.predict(x, verbose=0)
        assert len(gc.get_objects()) < objects + 500
        assert node_count() == nodes and len(state.programs) == programs
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 4000  # kilobytes
    finally:
        gc.enable()


def test_many_epochs_keep_memory_flat() -> None:
    x, y = data(8)
    t = trainer()
    t.fit(x, y, epochs=3, verbose=0)
    gc.collect()
    objects, nodes, programs = len(gc.get_objects()), node_count(), len(state.programs)
    t.fit(x, y, epochs=200, verbose=0)
    gc.collect()
    assert len(gc.get_objects()) < objects + 500
    assert node_count() <= nodes + 50 and len(state.programs) <= programs + 2


def test_predict_keeps_the_structure_of_outputs() -> None:
    class Two(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"twice": x * 2, "pair": (x, x + 1)}

    x, _ = data(10)
    result = Trainer(Two()).predict(x, batch_size=4, verbose=0)
    np.testing.assert_array_equal(result["twice"], x * 2)
    np.testing.assert_array_equal(result["pair"][1], x + 1)


def test_what_is_missing_is_said() -> None:
    x, y = data(8)
    with pytest.raises(ArgumentError, match="fit needs a loss and an optimizer"):
        Trainer(Net()).fit(x, y, verbose=0)
    with pytest.raises(ArgumentError, match="evaluate needs a loss"):
        Trainer(Net()).evaluate(x, y, verbose=0)
    with pytest.raises(TypeError, match="epoch"):
        trainer().fit(x, y, epoch=3)


def test_metrics_by_name_and_regression() -> None:
    x, _ = data(40)
    net = nn.Linear(4, 1)
    t = Trainer(net, F.mse_loss, optim.SGD(net.parameters(), lr=0.1),
                {"mse": MeanSquaredError(), "again": MeanSquaredError()})
    logs = t.fit(x, x[:, :1], epochs=30, verbose=0).history
    assert logs["mse"][-1] < 0.05 and logs["mse"] == logs["again"]


def test_a_rate_as_a_function_of_the_step() -> None:
    x, y = data(16)
    t = trainer(schedule=lambda o: lambda step: 0.1 / (1 + step))
    t.fit(x, y, batch_size=4, verbose=0)
    assert t.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 4)


def test_a_bad_number_in_a_batch_is_named_and_changes_nothing() -> None:
    x, y = data(40)
    x[21, 2] = np.nan

    def batches() -> Any:
        for i in range(0, 40, 8):
            yield x[i:i + 8], y[i:i + 8]

    t, clean = trainer(), trainer()
    with pytest.raises(NonFiniteError) as caught:
        t.fit(batches(), verbose=0)
    assert "(epoch 1, step 3): the batch's x holds nan in row 5, column 2" in str(caught.value)
    clean.fit(x[:16], y[:16], batch_size=8, shuffle=False, verbose=0)
    assert same(weights(t), weights(clean))
    assert t.optimizer.state[t.module.out.bias]["step"].item() == 2.0
    t.fit(x[:16], y[:16], verbose=0)


def test_exploding_gradients_are_refused_unless_wanted() -> None:
    x, y = data(16)
    t = trainer()
    t.loss = lambda out, target: (F.cross_entropy(out, target) * 1e38) * 1e38
    before = weights(t)
    with pytest.raises(NonFiniteError, match="as they were before this step"):
        t.fit(x, y, verbose=0)
    assert same(weights(t), before)
    wild = Trainer(t.module, t.loss, t.optimizer.guard(False), check_finite=False)
    wild.fit(x, y, verbose=0)
    assert not np.isfinite(weights(wild)[0]).all()
