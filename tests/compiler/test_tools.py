"""Settings debug, dump and profile, and `explain_compile`: what they tell is true."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tricord as tc
from tests.conftest import ROOT
from tricord import settings
from tricord.compiler.pipeline import PASSES
from tricord.compiler.program import CLOCK, KernelFacts
from tricord.compiler.report import amount, kernel_table
from tricord.compiler.target import host_target
from tricord.errors import IndexRangeError
from tricord.ir.dtypes import float32
from tricord.ir.graph import make_input
from tricord.ir.node import Node
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.indexing import gather
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.shapes import tensor_type
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.native.clock import HAS_CLOCK
from tricord.runtime.native.peak import Peak, measured_peak
from tricord.runtime.native.processors import POOL_POSSIBLE
from tricord.runtime.profile import Profile, collecting, current_profile, write_profile
from tricord.runtime.reports import PartFacts

needs_clock = pytest.mark.skipif(not HAS_CLOCK, reason="no clock that kernels could ask")
SIDE = 300


def graph() -> list[Node]:
    """A product, and a sum that is a kernel of its own."""
    x = make_input(0, tensor_type((SIDE, SIDE), float32))
    y = ew.tanh(dot_general(x, x, ((1,), (0,))))
    return [y, reduce_sum(y, (0,))]


def value() -> np.ndarray:
    return np.linspace(-1, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)


# ---- debug and dump

def printed(capsys, level: int) -> tuple[CompiledProgram, str]:
    with settings.override(debug=level):
        program = CompiledProgram(graph())
    out, err = capsys.readouterr()
    assert out == ""
    return program, err


def test_nothing_is_printed_unless_asked_for(capsys):
    assert printed(capsys, 0)[1] == ""


def test_level_one_prints_a_line_for_each_program(capsys, tmp_path):
    with settings.override(cache=tmp_path):
        program, err = printed(capsys, 1)
        _, again = printed(capsys, 1)
    facts = program.only.facts
    assert err.count("\n") == 1 and err.startswith(f"tricord: {facts.name}: ")
    assert f"{len(facts.kernels)} kernels" in err and amount(facts.flops, "flop") in err
    assert amount(facts.bytes, "B") in err
    assert "(assembled)" in err and "(cached)" in again
    assert "test_tools.py:" in err and "reduce_sum(y, (0,))" in err


def test_each_level_prints_more(capsys):
    lines = [printed(capsys, level)[1] for level in (1, 2, 3, 4)]
    assert all(len(a) < len(b) for a, b in itertools.pairwise(lines))
    assert "together" in lines[1] and "together" not in lines[0]
    assert "%0 float32[300,300] = input" in lines[2] and "nest (" in lines[2]
    assert "nest (" not in lines[1]
    assert "define  i64 @program(" in lines[3] or "define i64 @program(" in lines[3]
    assert "@program(" not in lines[2]


def test_dump_writes_every_stage(tmp_path):
    folder = tmp_path / "made" / "here"
    with settings.override(dump=folder):
        first, second = CompiledProgram(graph()), CompiledProgram(graph())
    name = first.only.facts.name
    assert second.only.facts.name == name, "the same program has the same name"
    assert sorted(p.name for p in folder.iterdir()) == [
        f"{name}.{ending}" for ending in ("graph.txt", "kernels.txt", "ll", "loops.txt", "s")]
    texts = {p.name.partition(".")[2]: p.read_text() for p in folder.iterdir()}
    assert texts["ll"] == first.only.plan.text
    assert "= dot[" in texts["graph.txt"] and "# " in texts["graph.txt"]
    assert "nest (" in texts["loops.txt"] and "program:" in texts["s"]
    assert all(k.label in texts["kernels.txt"] for k in first.only.plan.kernels)


def test_a_simplified_node_keeps_the_users_line():
    x = make_input(0, tensor_type((4, 4), float32))
    y = ew.exp(x * ew.where(x < 2, x, x))  # simplify makes other nodes of it
    [kernel] = CompiledProgram([y]).only.plan.kernels
    assert "simplify makes other nodes" in str(kernel.where)


def test_the_table_adds_up():
    rows = kernel_table([KernelFacts("a", "k", 1500, 64, 3, True, None),
                         KernelFacts("b" * 99, "k", 500, 64, 1, False, None)]).splitlines()
    assert rows[0].split() == ["kernel", "flops", "bytes", "tasks", "threads", "where"]
    assert rows[1].split() == ["0", "a", "1.5", "k", "64", "B", "3", "all"]
    assert rows[3].split() == ["together", "2", "k", "128", "B"] and "..." in rows[2]


# ---- profile

@contextlib.contextmanager
def profiling(path: Path) -> Iterator[Profile]:
    with settings.override(profile=path):
        profile = current_profile()
        assert profile is not None
        yield profile


def events_of(path: Path) -> list[dict]:
    events = json.loads(path.read_text())["traceEvents"]
    assert all({"name", "ph", "pid", "tid"} <= e.keys() for e in events)
    return [e for e in events if e["ph"] == "X"]


def inside(event: dict, other: dict) -> bool:
    """Whether an event is within another one, but for what rounding does."""
    return (event["ts"] >= other["ts"] - 1
            and event["ts"] + event["dur"] <= other["ts"] + other["dur"] + 1)


@needs_clock
@pytest.mark.parametrize("threads", [1, 2])
def test_each_call_and_each_kernel_is_an_event(tmp_path, threads):
    path = tmp_path / "timeline.json"
    plain = CompiledProgram(graph())
    with profiling(path), settings.override(threads=threads):
        program = CompiledProgram(graph())
        results = [program([value()]) for _ in range(3)]
        assert write_profile() == path
    for a, b in zip(plain([value()]), results[-1], strict=True):
        np.testing.assert_array_equal(a, b)
    events = events_of(path)
    calls = [e for e in events if e["cat"] == "native"]
    ran = [e for e in events if e["cat"] == "kernel"]
    facts = program.only.plan
    assert len(calls) == 3 and calls[0]["name"] == f"program {program.only.facts.name}"
    assert calls[0]["args"]["flops"] == sum(k.flops for k in facts.kernels)
    shared = threads if POOL_POSSIBLE and facts.parallel else 1
    for number, kernel in enumerate(facts.kernels):
        mine = [e for e in ran if e["name"] == kernel.label]
        assert len(mine) == 3 * (shared if kernel.parallel else 1), number
        assert mine[0]["args"]["flops"] == kernel.flops and mine[0]["args"]["GF/s"] >= 0
        assert mine[0]["args"]["bytes"] == kernel.bytes
    assert all(any(inside(e, c) for c in calls) for e in ran)
    assert all(e["dur"] > 0 for e in ran)
    assert len({e["tid"] for e in ran}) == shared


@needs_clock
def test_compilation_and_python_in_between_are_events(tmp_path):
    path = tmp_path / "timeline.json"
    with profiling(path):
        program = CompiledProgram(graph())
        program([value()])
        time.sleep(0.01)
        program([value()])
        write_profile()
    events = events_of(path)
    [whole] = [e for e in events if e["name"] == "compile"]
    passes = [e for e in events if e["cat"] == "compile" and e is not whole]
    assert [e["name"] for e in passes] == [p.name for p in PASSES] + ["machine code"]
    assert all(inside(e, whole) for e in passes[1:])
    gaps = [e for e in events if e["cat"] == "python"]
    assert max(e["dur"] for e in gaps) >= 10_000
    calls = [e for e in events if e["cat"] == "native"]
    assert not any(inside(c, g) for c in calls for g in gaps)


def test_what_runs_through_numpy_is_an_event(tmp_path):
    path = tmp_path / "timeline.json"
    with profiling(path), settings.override(interpret_first=0):
        x = tc.asarray(value()[:8, :8] + np.eye(8, dtype=np.float32) * 9)
        float(tc.sum(tc.linalg.qr(x * 2).R + 1))
        write_profile()
    [host] = [e for e in events_of(path) if e["cat"] == "host"]
    assert host["name"] == "qr" and "linalg.qr(x * 2)" in host["args"]["where"]


def test_without_it_programs_are_not_timed(tmp_path):
    program = CompiledProgram(graph())
    assert CLOCK not in program.only.plan.text and not program.only.plan.timed
    assert write_profile() is None


@needs_clock
def test_calls_from_several_threads_keep_their_times_apart(tmp_path):
    path = tmp_path / "timeline.json"
    with profiling(path) as profile, settings.override(threads=1):
        program = CompiledProgram(graph())
        expected = [np.array(r) for r in program([value()])]
        wrong = []

        def work() -> None:
            for _ in range(20):
                for a, b in zip(program([value()]), expected, strict=True):
                    if not np.array_equal(a, b):
                        wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        profile.write()
    assert not wrong
    events = events_of(path)
    calls = [e for e in events if e["cat"] == "native"]
    assert len(calls) == 61
    for event in (e for e in events if e["cat"] == "kernel"):
        assert any(inside(event, c) and c["tid"] == event["tid"] for c in calls)


@needs_clock
def test_a_refused_value_is_refused_and_the_next_call_runs(tmp_path):
    x = make_input(0, tensor_type((5, 3), float32))
    index = make_input(1, tensor_type((2,), tc.int64))
    data = np.arange(15, dtype=np.float32).reshape(5, 3)
    with profiling(tmp_path / "timeline.json") as profile:
        program = CompiledProgram([gather(x, index, axes=(0,))])
        with pytest.raises(IndexRangeError):
            program([data, np.array([0, 7])])
        np.testing.assert_array_equal(program([data, np.array([4, 1])])[0], data[[4, 1]])
        assert len([e for e in profile.events() if e.get("cat") == "native"]) == 2


def test_only_the_newest_events_are_kept(tmp_path):
    profile = Profile(tmp_path / "timeline.json", limit=50)
    facts = PartFacts("abc", (KernelFacts("a", "a", 1, 1, 1, False, None),) * 4, 0.1, None, None)
    for i in range(100):
        profile.call(facts, i, i + 1, np.ones((2, 4, 2), np.int64))
    kept = [e for e in profile.events() if e.get("cat") == "native"]
    assert len(kept) == 50 // 9
    assert kept[-1]["ts"] == pytest.approx((99 - profile.origin) / 1000)


def test_a_timeline_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "timeline.json"
    path.write_text("before")
    profile = Profile(path)

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        profile.write()
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_settings_work_from_the_environment_and_at_exit(tmp_path):
    script = ("import tricord as tc\n"
              "x = tc.ones((200, 200))\n"
              "for _ in range(3): print(tc.max(x @ x).item())\n")
    environment = {**os.environ, "TRICORD_PROFILE": str(tmp_path / "t.json"),
                   "TRICORD_DEBUG": "1", "TRICORD_INTERPRET_FIRST": "0",
                   "TRICORD_DUMP": str(tmp_path / "dump"),
                   "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path,
                          capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.split() == ["200.0"] * 3
    assert done.stderr.startswith("tricord: ")
    assert [e["cat"] for e in events_of(tmp_path / "t.json")].count("native") == 3
    assert len(list((tmp_path / "dump").glob("*.ll"))) == 1


# ---- explain_compile

def layer(x, w):
    return tc.sum(tc.tanh(x @ w + 1.0), axis=1)


def arguments(rows: int = 64, columns: int = 32):
    return tc.ones((rows, 48)), tc.ones((48, columns))


def test_a_function_is_explained_by_its_kernels():
    report = tc.explain_compile(layer, *arguments())
    assert report.replayed and report.name == "layer"
    labels = [k.label for k in report.kernels]
    assert [label for label in labels if label != "pack"] == ["dot", "add+tanh+reduce_sum"]
    [product] = [k for k in report.kernels if k.label == "dot"]
    assert product.flops == 2 * 64 * 48 * 32
    assert report.flops == sum(k.flops for k in report.kernels) > product.flops
    assert report.bytes == sum(k.bytes for k in report.kernels) >= 4 * (64 * 48 + 48 * 32 + 64)
    assert "x @ w + 1.0" in str(product.where)
    assert [s.status for s in report.signatures] == ["compiled"]
    assert report.signatures[0].arguments == "x float32[64,48], w float32[48,32]"
    text = str(report)
    assert text.startswith("layer: replayed\n") and "add+tanh+reduce_sum" in text
    assert "time of a call" not in text and report.share_of_flops is None


def test_what_changed_between_signatures_is_said():
    compiled = tc.compile(layer)
    x, w = arguments()
    for _ in range(2):
        compiled(x, w)
    compiled(x, tc.astype(w, tc.float64))
    report = tc.explain_compile(compiled, *arguments(rows=7))
    assert [s.changes for s in report.signatures] == [
        (), ("dtype of w, before float32",), ("shape of x, before (64, 48)",)]
    assert [s.current for s in report.signatures] == [False, False, True]
    assert report.signatures[1].status.startswith("seen once")
    assert "shape of x, before (64, 48)" in str(report)


def test_arguments_in_structures_and_plain_values_are_named():
    compiled = tc.compile(lambda batch, *, scale: batch["a"] * batch["b"][0] * scale)
    x = tc.ones(3)
    tc.explain_compile(compiled, {"a": x, "b": [tc.ones(3)]}, scale=2)
    report = tc.explain_compile(compiled, {"a": x, "b": [tc.ones((2, 3))]}, scale=2.0)
    last = report.signatures[-1]
    assert last.arguments == ("batch['a'] float32[3], batch['b'][0] float32[2,3], scale = 2.0")
    assert last.changes == ("shape of batch['b'][0], before (3,)", "value of scale, before 2")


def test_a_function_that_is_not_replayed_says_why_and_what_it_runs():
    def looks(x):
        if tc.sum(x).item() > 0:
            return tc.exp(x) * 2
        return x

    report = tc.explain_compile(looks, tc.ones((40, 40)))
    assert not report.replayed
    assert "looked at before it ends" in report.signatures[0].status
    assert [k.label for k in report.kernels] == ["reduce_sum", "exp+multiply"]
    assert len(report.parts) == 2 and str(report).startswith("looks: recorded at each call")


def test_an_array_among_the_arguments_is_named_as_the_reason():
    report = tc.explain_compile(lambda x: tc.sum(tc.exp(tc.asarray(x)) * 2), np.ones((40, 40), "f"))
    assert not report.replayed
    assert "an array or another object that may change" in report.signatures[0].status
    assert [k.label for k in report.kernels] == ["exp+multiply+reduce_sum"]


def test_a_value_that_changes_is_named():
    outside = {"scale": 1.0}

    def scaled(x):
        return tc.exp(x) * scale

    scale = outside["scale"]
    compiled = tc.compile(scaled)
    x = tc.ones(5)
    for _ in range(3):
        compiled(x)
    scale = 3.0
    report = tc.explain_compile(compiled, x)
    assert report.replayed
    assert any("scale was 1.0 and is 3.0" in h for h in report.signatures[0].history)
    assert "scale was 1.0 and is 3.0" in str(report)


def test_what_runs_through_numpy_is_listed():
    report = tc.explain_compile(lambda x: tc.sum(tc.linalg.qr(x * 2).R), tc.eye(4) * 3)
    [(name, where)] = report.host_steps
    assert name == "qr" and "linalg.qr" in where and "through numpy" in str(report)
    with settings.override(device="numpy"):
        report = tc.explain_compile(layer, *arguments())
    assert report.interpreted == 1 and report.kernels == () and report.flops == 0


def test_a_method_and_a_training_step():
    class Model:
        def __init__(self):
            self.w = tc.Parameter(tc.full((48, 32), 0.01))

        @tc.compile
        def predict(self, x):
            with tc.no_grad():
                return tc.tanh(x @ self.w)

    model, (x, _) = Model(), arguments()
    assert tc.explain_compile(model.predict, x).replayed

    optimizer = tc.optim.SGD([model.w], lr=0.1)

    def step(x):
        loss = tc.sum(tc.tanh(x @ model.w) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    before = np.array(model.w.numpy())
    report = tc.explain_compile(step, x)
    assert sum(k.label.count("dot") for k in report.kernels) >= 2
    assert not np.array_equal(before, model.w.numpy())


def test_measuring_compares_with_the_peak():
    report = tc.explain_compile(layer, *arguments(), measure=True, peak=Peak(1e12, 1e10))
    assert report.seconds is not None and report.seconds > 0
    assert report.share_of_flops == pytest.approx(report.flops / report.seconds / 1e12)
    assert report.share_of_bytes == pytest.approx(report.bytes / report.seconds / 1e10)
    assert "time of a call" in str(report) and "of 1 Tflop/s" in str(report)


@needs_clock
def test_measuring_times_each_kernel():
    x, w = arguments(400, 300)
    for _ in range(5):  # the two are measured one after the other; somebody else may come between
        report = tc.explain_compile(layer, x, w, measure=True, peak=Peak(1e12, 1e10))
        took = report.kernel_seconds
        if took is not None and sum(took) < 2 * report.seconds:
            break
    assert took is not None and len(took) == len(report.kernels) and all(s > 0 for s in took)
    # The product is most of the work; what is told apart by a clock is in the right order.
    labels = [k.label for k in report.kernels]
    assert took[labels.index("dot")] == max(took)
    assert sum(took) < 2 * report.seconds
    assert "of it in kernels" in str(report) and "flop/s" in str(report)
    assert tc.explain_compile(layer, x, w).kernel_seconds is None


@needs_clock
def test_what_is_collected_is_collected_in_the_block_alone(tmp_path):
    with settings.override(profile=tmp_path / "t.json"), collecting() as profile:
        program = CompiledProgram(graph())
    program([value()])
    outside = CompiledProgram(graph())
    outside([value()])
    assert not outside.only.plan.timed and not (tmp_path / "t.json").exists()
    took = profile.kernel_seconds(program.only.facts)
    assert len(took) == len(program.only.facts.kernels) and all(0 < s < 1 for s in took)
    assert profile.kernel_seconds(outside.only.facts) == [float("inf")] * len(took)


def test_the_peak_of_this_machine_is_believable():
    found = measured_peak(1)
    lanes = host_target().lanes(4)
    # Between one multiply-add every four cycles of a slow processor, and four a cycle of a fast.
    assert 2 * lanes * 0.25e9 < found.flops < 2 * lanes * 4 * 6e9
    assert 2e8 < found.bytes < 2e12
    assert measured_peak(1) is found
