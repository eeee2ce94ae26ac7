"""Callbacks and what is printed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import tricord.nn.functional as F
from tricord import nn, optim, train
from tricord.errors import ArgumentError
from tricord.random import manual_seed
from tricord.tensor import tensor
from tricord.tensor.recorder import state
from tricord.train import Trainer
from tricord.train.monitor import Monitor
from tricord.train.progress import ProgressBar, format_time, format_value


def data(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    x = random.standard_normal((n, 3)).astype("float32")
    return x, x @ np.array([[1.0], [2.0], [-1.0]], np.float32)


def trainer(lr: float = 0.05) -> Trainer:
    manual_seed(0)
    net = nn.Linear(3, 1)
    return Trainer(net, F.mse_loss, optim.SGD(net.parameters(), lr=lr))


class Scripted(train.Callback):
    """Puts made-up values into the logs of each epoch; stands before the callback under test."""

    def __init__(self, name: str, values: list[float]) -> None:
        super().__init__()
        self.name, self.made = name, values

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.made[epoch]


def fit(t: Trainer, *callbacks: Any, epochs: int = 6, **options: Any) -> Any:
    return t.fit(*data(), epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def test_hooks_come_in_keras_order() -> None:
    seen: list[str] = []

    class Watch(train.Callback):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("on_"):
                return lambda *a, **k: seen.append(name[3:])
            return super().__getattribute__(name)

    t = trainer()
    t.fit(*data(8), batch_size=4, verbose=0, callbacks=[Watch()], validation_data=data(4))
    assert seen == ["train_begin", "epoch_begin", "train_batch_begin", "train_batch_end",
                    "train_batch_begin", "train_batch_end", "test_begin", "test_batch_begin",
                    "test_batch_end", "test_end", "epoch_end", "train_end"]
    seen.clear()
    t.predict(data(4)[0], verbose=0, callbacks=[Watch()])
    assert seen == ["predict_begin", "predict_batch_begin", "predict_batch_end", "predict_end"]


def test_params_and_model_are_there_from_the_start() -> None:
    class Watch(train.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.found = (self.params, self.model)

    watch, t = Watch(), trainer()
    fit(t, watch, epochs=2, batch_size=8)
    assert watch.found == ({"verbose": 0, "epochs": 2, "steps": 3}, t)


def test_logs_of_a_batch_are_looked_at_only_when_asked() -> None:
    class Idle(train.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert list(logs) == ["loss"] and "loss" in logs

    class Asking(train.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert isinstance(logs["loss"], float) and logs.get("nothing", 3) == 3
            assert dict(logs) == logs.copy() == {"loss": logs["loss"]}

    def cuts(callback: Any) -> int:
        before = state.cuts
        fit(trainer(), callback, epochs=1, batch_size=4)
        return state.cuts - before

    assert cuts(Idle()) == 6 + 1  # one per step, and the end of the epoch
    assert cuts(Asking()) == 6 * 2 + 1


def test_lambda_callback() -> None:
    seen: list[Any] = []
    fit(trainer(), train.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch),
                                        on_train_end=lambda logs: seen.append("end")), epochs=2)
    assert seen == [0, 1, "end"]
    with pytest.raises(TypeError, match="did you mean 'on_epoch_end'"):
        train.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match=r"History\(\)"):
        fit(trainer(), train.History)


def test_early_stopping_waits_and_restores_the_best() -> None:
    t, kept = trainer(), []

    class Keep(train.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept.append(t.module.weight.numpy())

    stop = train.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    history = fit(t, Keep(), Scripted("val_loss", [3.0, 1.0, 2.0, 2.0, 0.5, 0.1]), stop)
    assert history.epoch == [0, 1, 2, 3] and stop.stopped_epoch == 3
    np.testing.assert_array_equal(t.module.weight.numpy(), kept[1])


@pytest.mark.parametrize(("options", "values", "epochs"), [
    ({"patience": 0}, [3.0, 2.0, 2.0, 1.0], 3), ({"min_delta": 0.5}, [3.0, 2.8, 1.0, 1.0], 2),
    ({"mode": "max"}, [1.0, 2.0, 1.5, 9.0], 3), ({"baseline": 0.5}, [3.0, 3.0, 0.1, 1.0], 2),
    ({"start_from_epoch": 2}, [1.0, 2.0, 3.0, 2.0], 4),
    ({"patience": 2, "baseline": 0.5}, [0.4, 0.45, 0.45, 0.3], 3)])
def test_when_early_stopping_stops(options: dict[str, Any], values: list[float],
                                   epochs: int) -> None:
    stop = train.EarlyStopping("val_loss", **options)
    assert len(fit(trainer(), Scripted("val_loss", values), stop, epochs=4).epoch) == epochs


def test_a_monitor_that_is_not_there_is_said_once() -> None:
    with pytest.warns(UserWarning, match="did you mean 'loss'") as caught:
        fit(trainer(), train.EarlyStopping("losss", mode="min"), epochs=3)
    assert len(caught) == 1
    assert [Monitor(n).mode for n in ("val_loss", "val_acc", "auc_2", "rmse", "my_f1_score")] == [
        "min", "max", "max", "min", "max"]
    with pytest.raises(ArgumentError, match="mode='min' or mode='max'"):
        Monitor("shoe_size")


def test_checkpoints_of_the_best(tmp_path: Any) -> None:
    t = trainer()
    saved = train.ModelCheckpoint(tmp_path / "w-{epoch:02d}-{val_loss:.1f}", save_best_only=True,
                                  save_weights_only=True)
    fit(t, Scripted("val_loss", [3.0, 1.0, 2.0, 0.5]), saved, epochs=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w-01-3.0", "w-02-1.0", "w-04-0.5"]
    other = trainer().resume(tmp_path / "w-04-0.5")
    np.testing.assert_array_equal(other.module.weight.numpy(), t.module.weight.numpy())
    with pytest.raises(ArgumentError, match="names 'val_los'"):
        fit(trainer(), train.ModelCheckpoint(tmp_path / "{val_los}"), epochs=1)
    with pytest.raises(ArgumentError, match="save_freq"):
        train.ModelCheckpoint(tmp_path / "x", save_freq="batch")


def test_checkpoints_every_few_batches(tmp_path: Any) -> None:
    fit(trainer(), train.ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=4), epochs=2,
        batch_size=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-4", "2-2", "2-6"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Any, monkeypatch: Any) -> None:
    t, path = trainer(), tmp_path / "run"
    fit(t, epochs=1)
    t.save_checkpoint(path)
    old = path.read_bytes()
    monkeypatch.setattr(t, "train_state", lambda: {"weights": object()})
    with pytest.raises(ArgumentError):
        t.save_checkpoint(path)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


def test_rates_by_epoch() -> None:
    for schedule in (lambda epoch, rate: rate * 0.5, lambda epoch: 0.05 * 0.5 ** (epoch + 1)):
        t = trainer()
        history = fit(t, train.LearningRateScheduler(schedule), epochs=3)
        assert history.history["learning_rate"] == pytest.approx([0.025, 0.0125, 0.00625])
    with pytest.raises(ArgumentError, match="should be a float"):
        fit(trainer(), train.LearningRateScheduler(lambda epoch: "fast"))


def test_rates_on_a_plateau() -> None:
    t = trainer(0.08)
    plateau = train.ReduceLROnPlateau(factor=0.5, patience=1, min_lr=0.03, cooldown=1)
    history = fit(t, Scripted("val_loss", [1.0, 1.0, 1.0, 1.0, 1.0, 0.1]), plateau)
    # what is in force at the end of each epoch, before this epoch's reduction
    assert history.history["learning_rate"] == pytest.approx([0.08, 0.08, 0.04, 0.03, 0.03, 0.03])
    assert t.optimizer.param_groups[0]["lr"] == pytest.approx(0.03)
    with pytest.raises(ArgumentError, match=r"factor >= 1\.0"):
        train.ReduceLROnPlateau(factor=1.0)


def test_a_schedule_that_watches_gets_the_validation_loss() -> None:
    t = trainer(1e-8)
    t.schedule = optim.lr_scheduler.ReduceLROnPlateau(t.optimizer, patience=1, eps=0)
    fit(t, epochs=5, validation_data=data(4))
    assert t.optimizer.param_groups[0]["lr"] < 1e-8


def test_csv_logger(tmp_path: Any) -> None:
    path = tmp_path / "log.csv"
    fit(trainer(), train.CSVLogger(path), epochs=2, validation_data=data(4))
    fit(trainer(), train.CSVLogger(path, append=True), epochs=1, validation_data=data(4))
    rows = path.read_text().splitlines()
    assert rows[0] == "epoch,loss,val_loss" and len(rows) == 4
    assert rows[1].startswith("0,") and rows[3].startswith("0,")


def test_stopping_on_nan(capsys: Any) -> None:
    t = trainer(1e20)
    history = fit(t, train.TerminateOnNaN(), epochs=50, batch_size=8)
    assert len(history.epoch) < 50
    assert "Invalid loss, terminating training" in capsys.readouterr().out


# ---- progress

class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_bar(stream: Any, epochs: int = 3, steps: int = 100, verbose: Any = 1) -> str:
    now = [0.0]
    bar = ProgressBar(verbose, stream, lambda: now[0])
    for epoch in range(epochs):
        bar.begin(steps, f"Epoch {epoch + 1}/{epochs}")
        for _ in range(steps):
            now[0] += 0.01
            bar.advance({"loss": tensor(0.5)})
        bar.end({"accuracy": 0.91, "loss": 0.3})
    return stream.getvalue()


def test_a_log_file_gets_one_plain_line_per_epoch() -> None:
    text = run_bar(io.StringIO())
    assert text.splitlines() == [
        f"Epoch {i}/3 - 100/100 - 1s - 10ms/step - accuracy: 0.9100 - loss: 0.3000"
        for i in (1, 2, 3)]
    assert not any(ord(c) < 32 and c != "\n" for c in text)


def test_a_terminal_gets_a_bar_on_one_line() -> None:
    text = run_bar(Terminal())
    assert text.count("\n") == 6 and "\x1b" not in text
    assert text.splitlines()[0] == "Epoch 1/3"
    last = text.split("\n")[1].split("\r")[-1]
    assert last.rstrip() == f"100/100 {'━' * 20} 1s 10ms/step - accuracy: 0.9100 - loss: 0.3000"


def test_the_bar_is_drawn_a_few_times_a_second_and_only_then_looks() -> None:
    stream = Terminal()
    text = run_bar(stream, epochs=1, steps=1000)  # ten seconds
    assert 150 < text.count("\r") <= 202
    looked: list[int] = []

    class Looking:
        def numpy(self) -> Any:
            looked.append(1)
            return np.float32(1)

    bar = ProgressBar(1, Terminal(), lambda: 0.0)
    bar.begin(50)
    for _ in range(49):
        bar.advance({"loss": Looking()})
    assert len(looked) == 1


def test_silent_and_plain_modes() -> None:
    assert run_bar(io.StringIO(), verbose=0) == ""
    assert run_bar(Terminal(), verbose=2).count("\r") == 0
    assert run_bar(Terminal(), verbose="auto").count("\r") > 0


def test_an_unknown_length_and_an_old_encoding() -> None:
    class Ascii(Terminal):
        def write(self, text: str) -> int:
            text.encode("ascii")
            return super().write(text)

    stream = Ascii()
    bar = ProgressBar(1, stream, iter(range(100)).__next__)
    bar.begin(None)
    bar.advance({})
    bar.end({})
    assert "1/Unknown" in stream.getvalue() and "1/1 ====" in stream.getvalue()


def test_an_interruption_leaves_the_cursor_on_its_own_line(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("tricord.train.progress.is_live", lambda stream: True)

    class Interrupt(train.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer().fit(*data(), batch_size=4, callbacks=[Interrupt()])
    assert capsys.readouterr().out.endswith("\n")


def test_fit_into_a_file_writes_at_most_a_line_per_epoch(capsys: Any) -> None:
    trainer().fit(*data(), epochs=7, batch_size=2, validation_split=0.25)
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 7 and "val_loss" in text and "\r" not in text


@pytest.mark.parametrize(("value", "text"), [
    (0.5, "0.5000"), (1e-5, "1.0000e-05"), (12, "12.0000"), ([0.5, 1.0], "[0.5000, 1.0000]"),
    ("x", "x")])
def test_values(value: Any, text: str) -> None:
    assert format_value(value) == text


def test_times() -> None:
    assert [format_time(s) for s in (5.4, 65, 3605)] == ["5s", "1:05", "1:00:05"]
