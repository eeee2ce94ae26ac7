"""The passes in order, and that the verifier between them notices what they could do wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tricord import settings
from tricord.compiler import pipeline
from tricord.compiler.affine import Affine
from tricord.compiler.assemble import assemble
from tricord.compiler.fusion import fuse
from tricord.compiler.memory import Kernels, Layout, kernels, memory
from tricord.compiler.pipeline import PASSES, Options, Pass, run_pass, run_passes
from tricord.compiler.program import CLOCK, plan, write
from tricord.compiler.recompute import recompute
from tricord.compiler.schedule import Schedule, schedule
from tricord.compiler.simplify import simplify
from tricord.compiler.steps import Place
from tricord.compiler.target import TARGETS, host_target
from tricord.compiler.verifier import (
    verify_fusion,
    verify_kernels,
    verify_memory,
    verify_program,
    verify_schedule,
)
from tricord.errors import VerifierError
from tricord.ir.dtypes import float32, int64
from tricord.ir.graph import make_input
from tricord.ir.node import Node
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.indexing import gather
from tricord.ir.ops.movement import broadcast
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.shapes import tensor_type
from tricord.runtime.compiled import CompiledProgram

ROWS, INNER, COLUMNS = 96, 64, 80


def float_input(slot: int, *shape: int) -> Node:
    return make_input(slot, tensor_type(shape, float32))


def outputs() -> list[Node]:
    """A product with an epilogue, sums over both axes, and what follows from them."""
    x, w, b = float_input(0, ROWS, INNER), float_input(1, INNER, COLUMNS), float_input(2, COLUMNS)
    h = ew.tanh(dot_general(x, w, ((1,), (0,))) + broadcast(b, (ROWS, COLUMNS), (1,)))
    total = reduce_sum(h, (0,))
    scaled = ew.exp(h) * broadcast(total, (ROWS, COLUMNS), (1,))
    return [reduce_sum(ew.tanh(scaled), (1,)), b - total]


def gathering() -> list[Node]:
    x, index = float_input(0, 9, 16), make_input(1, tensor_type((5,), int64))
    return [ew.exp(gather(ew.sqrt(x), index, axes=(0,))), ew.tanh(x)]


def scheduled() -> Schedule:
    return schedule(recompute(fuse(simplify(outputs()))))


def calls() -> Kernels:
    return kernels(scheduled(), host_target())


def refused(check, value, says: str) -> None:
    with pytest.raises(VerifierError, match=says):
        check(value)


def test_the_passes_are_these_and_give_what_they_give_one_by_one():
    assert [p.name for p in PASSES] == ["simplify", "fuse", "recompute", "schedule", "kernels",
                                        "memory", "program"]
    target = host_target()
    made = run_passes(outputs(), Options(target))
    assert made.plan.text == plan(scheduled(), target).text
    assert [name for name, _, _ in made.times] == [p.name for p in PASSES]
    assert all(begin <= end for _, begin, end in made.times)
    again = run_passes(made.nodes, Options(target), simplified=True)
    assert again.plan.text == made.plan.text and len(again.times) == len(PASSES) - 1


def test_only_a_timed_program_asks_for_the_time():
    target = host_target()
    plain, timed = (run_passes(outputs(), Options(target, t)).plan for t in (False, True))
    assert CLOCK not in plain.text and plain.times_bytes == 0
    asked = re.findall(rf"call i64 @{CLOCK}", timed.text)
    assert len(asked) == 2 * len(timed.kernels) and timed.times_bytes == 16 * len(timed.kernels)


@pytest.mark.parametrize("target", TARGETS)
def test_a_timed_program_is_legal_on_every_target(target):
    found = TARGETS[target]
    assert assemble(run_passes(outputs(), Options(found, True)).plan.text, found)


def test_what_a_pass_makes_is_verified_when_that_is_wanted():
    def fails(value):
        raise VerifierError("seen")

    broken = Pass("broken", lambda value, _: value, fails)
    for level in (1, 2):
        with settings.override(check=level), pytest.raises(VerifierError, match="seen"):
            run_pass(broken, [], Options(host_target()))
    with settings.override(check=0):
        assert run_pass(broken, [], Options(host_target())) == []


def test_an_output_that_becomes_another_type_is_noticed():
    halved = replace(PASSES[0], run=lambda nodes, _: [reduce_sum(n, (0,)) for n in nodes])
    with settings.override(check=1), pytest.raises(VerifierError, match="other types"):
        run_pass(halved, outputs(), Options(host_target()))


# ---- fuse

def test_a_unit_that_does_not_come_after_what_it_reads():
    fusion = fuse(simplify(outputs()))
    verify_fusion(fusion)
    later = next(u for u in reversed(fusion.units) if u.members and u.before)
    later.before = 0
    refused(verify_fusion, fusion, "does not come after|not after all")


def test_a_member_that_reads_a_later_one():
    fusion = fuse(simplify(outputs()))
    group = max(fusion.units, key=lambda u: len(u.members))
    group.members.reverse()
    refused(verify_fusion, fusion, "computes later")


def test_a_unit_before_itself():
    fusion = fuse(simplify(outputs()))
    fusion.units[-1].before |= 1 << fusion.units[-1].number
    refused(verify_fusion, fusion, "comes before itself")


def test_a_node_that_nobody_computes():
    fusion = fuse(simplify(outputs()))
    group = max(fusion.units, key=lambda u: len(u.members))
    del fusion.unit_of[group.members[0]]
    refused(verify_fusion, fusion, "computed nowhere")
    fusion = fuse(simplify(outputs()))
    group = max(fusion.units, key=lambda u: len(u.members))
    group.members.pop()
    refused(verify_fusion, fusion, "not once in its group")


# ---- schedule

def test_steps_in_the_wrong_order():
    steps = scheduled()
    verify_schedule(steps)
    assert any(s.product is not None for s in steps.steps), "an epilogue is part of what is tested"
    steps.steps.reverse()
    refused(verify_schedule, steps, "not stored before")


def test_a_value_that_is_not_stored():
    steps = scheduled()
    steps.steps[0].stored = ()
    refused(verify_schedule, steps, "is not stored")
    steps = scheduled()
    steps.steps[-1].stored = ()
    refused(verify_schedule, steps, "the output .* is not stored")


def test_a_check_after_something_is_written():
    steps = schedule(fuse(simplify(gathering())))
    verify_schedule(steps)
    assert steps.checks
    steps.checks = 0
    refused(verify_schedule, steps, "may refuse")


# ---- kernels

def test_kernels_in_the_wrong_order():
    made = calls()
    verify_kernels(made)
    refused(verify_kernels, replace(made, calls=made.calls[::-1]),
            "not written before|was read before")


def test_an_output_that_is_not_written():
    made = calls()
    refused(verify_kernels, replace(made, calls=made.calls[:-1]), "the output .* is not written")


def test_an_argument_that_is_written_to():
    made = calls()
    given = Place(made.outputs[1].parents[0])
    refused(verify_kernels, replace(made, calls=(
        *made.calls, replace(made.calls[-1], writes=(given,)))), "which is given|was read before")


@pytest.mark.parametrize("by", [-1, 1, ROWS * COLUMNS])
def test_an_index_outside_of_its_memory(by):
    made = calls()
    kernel = made.calls[-1].kernel
    store = kernel.nest.stores[0]
    kernel.nest = replace(kernel.nest, stores=(
        replace(store, at=store.at + Affine(by)), *kernel.nest.stores[1:]))
    refused(verify_kernels, made, "runs from")


def test_an_index_of_an_epilogue_outside_of_its_memory():
    made = calls()
    kernel = next(c.kernel for c in made.calls if getattr(c.kernel, "epilogue", None))
    kernel.epilogue.nest = replace(
        kernel.epilogue.nest, extents=tuple(2 * e for e in kernel.epilogue.nest.extents))
    refused(verify_kernels, made, "runs from")


# ---- memory

def laid_out() -> Layout:
    made = memory(calls())
    verify_memory(made)
    assert len(made.arena) >= 2, "two values must share the arena for there to be something to test"
    return made


def test_values_that_live_at_the_same_time_and_overlap():
    made = laid_out()
    for key in made.arena:
        made.arena[key] = 0
    refused(verify_memory, made, "live at the same time")


def test_values_outside_of_the_arena():
    made = laid_out()
    made.arena_bytes -= 64
    refused(verify_memory, made, "not in the arena")
    made = laid_out()
    made.arena_bytes += 64
    made.arena[next(iter(made.arena))] += 4
    refused(verify_memory, made, "not aligned|overlap")
    made = laid_out()
    made.arena.clear()
    refused(verify_memory, made, "has no place")


def test_a_result_over_an_argument_that_is_still_read():
    x, w, y = (float_input(slot, 64, 64) for slot in range(3))
    # The product reads x after the kernel that writes the first result.
    first, second = ew.tanh(x), ew.tanh(y)
    product = dot_general(x, w, ((1,), (0,)))
    made = memory(kernels(schedule(fuse([first, product, second])), host_target()))
    verify_memory(made)
    assert (2, 2) in made.may_donate and (0, 0) not in made.may_donate
    made.may_donate |= {(0, 0)}
    refused(verify_memory, made, "still wanted")


# ---- program

def test_an_output_that_is_no_result():
    made = write(laid_out(), host_target())
    verify_program(made)
    refused(verify_program, replace(made, results=1), "there is not")


def test_programs_are_verified_when_they_are_built(monkeypatch):
    def fails(value):
        raise VerifierError("the schedule was looked at")

    monkeypatch.setattr(pipeline, "PASSES", tuple(
        replace(p, verify=fails) if p.name == "schedule" else p for p in PASSES))
    with pytest.raises(VerifierError, match="looked at"):
        CompiledProgram(outputs())
