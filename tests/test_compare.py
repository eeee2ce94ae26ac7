"""The comparison with other frameworks: what it computes from times, and the form of its tables.

The times themselves are nobody's business here.
"""

import doctest
import io
import json
import sys

import pytest

from benchmarks import compare, interleave, report
from benchmarks.interleave import CaseResult, Measured, ProgramResult, Run, Start, WorkerProcess
from benchmarks.programs import worker
from benchmarks.programs.catalogue import FLOOR, FRAMEWORKS, PROGRAMS, Case, Program

PEERS = [name for name in FRAMEWORKS if name != "tricord"]


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    """(exit code, what was printed, the page) of one round with tricord alone."""
    page = tmp_path_factory.mktemp("compare") / "performance.md"
    without = [word for peer in PEERS for word in ("--without", peer)]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", printed)
        code = compare.main(["--only", "mlp_imperative", "--rounds", "1", "--threads", "1",
                             "--markdown", str(page), *without])
    return code, printed.getvalue(), page.read_text(encoding="utf-8")


def test_tricord_alone_is_measured_without_complaint(tiny_run):
    code, printed, _ = tiny_run
    assert code == 0, printed
    assert "failed" not in printed


def test_the_printed_table_has_a_row_with_a_time_and_the_memory(tiny_run):
    _, printed, _ = tiny_run
    lines = printed.splitlines()
    header = next(line for line in lines if line.startswith("784-64-10, batch 32"))
    for column in ("step, median", "over tricord's", "10-90 %", "peak memory"):
        assert column in header
    row = lines[lines.index(header) + 2].split()
    assert row[0] == "tricord" and float(row[1]) > 0 and row[2] in ("us", "ms", "s")
    assert int(row[3]) > 10 and row[4] == "MB"


def test_first_steps_are_measured_with_and_without_compiled_files(tiny_run):
    _, printed, _ = tiny_run
    after = printed[printed.index("first steps in a new process"):].splitlines()
    assert all(name in after[2] for name in ("import", "build", "first, cold", "first, warm"))
    assert sum(unit in ("us", "ms", "s") for unit in after[4].split()) == 6


def test_the_page_names_the_machine_and_its_tables_are_whole(tiny_run):
    _, _, page = tiny_run
    assert page.startswith("# Performance\n")
    assert all(f"- {fact}" in page for fact in ("Date: 20", "Machine: ", "Threads: 1"))
    assert "## Small network, an imperative loop" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert len(tables) == 6  # two tables: header, rule, one row each
    for header, rule, row in (tables[:3], tables[3:]):
        assert header.count("|") == rule.count("|") == row.count("|")
        assert set(rule) == set("|-:")


# ------------------------------------------------------------------------------ from figures


def result(ours=(1.0, 2.0, 3.0), theirs=(2.0, 6.0, 6.0), apart=0.0, floor=None, goal=2.5):
    """A program of one case; ``apart`` is how far the peer's checked value is from ours."""
    program = Program("mlp", "A network", "About it.", ("tricord", "torch"), {}, (), 1e-4, "losses")
    found = CaseResult(Case("small", {}, goals={"torch": goal}), {
        "tricord": Measured(list(ours), [[1.0]]),
        "torch": Measured(list(theirs), [[1.0 + apart]]),
    })
    if floor is not None:
        found.by_framework[FLOOR] = Measured(list(floor))
    return ProgramResult(program, [found], memory={"tricord": 50 << 20, "torch": 300 << 20})


@pytest.mark.parametrize("module", [interleave, report])
def test_the_examples_in_its_docstrings_run(module):
    done = doctest.testmod(module)
    assert done.attempted and not done.failed


def test_ratios_are_of_medians_and_their_spread_is_of_pairs():
    found = result().cases[0]
    assert found.ratio("torch", "tricord") == pytest.approx((3.0, 2.0, 2.8))


def test_a_row_shows_ratio_and_spread():
    [table] = report.tables(result())
    assert table.rows == [["tricord", "2 s", "", "", "50 MB"],
                          ["PyTorch eager", "6 s", "3.00", "2.00-2.80", "300 MB"]]
    assert "| PyTorch eager | 6 s | 3.00 | 2.00-2.80 | 300 MB |" in table.markdown()


def test_no_ratio_is_shown_where_results_differ():
    [table] = report.tables(result(apart=1e-3))
    assert table.rows[1][2:4] == ["differs", ""]
    assert any(note.startswith("DIFFERENT RESULTS: small, PyTorch eager") for note in table.notes)


def test_a_failure_is_told_and_the_others_are_shown():
    broken = result()
    broken.cases[0].by_framework["torch"] = Measured(error="no C compiler")
    [table] = report.tables(broken)
    assert table.rows[1][:2] == ["PyTorch eager", "failed"]
    assert "PyTorch eager failed in small: no C compiler" in table.notes


@pytest.mark.parametrize(("arguments", "met"), [
    ({"goal": 3.0}, "yes"),
    ({"goal": 3.1}, "NO"),
    ({"goal": 3.1, "floor": (1.8, 1.8, 1.8)}, "at the floor"),
    ({"goal": 3.1, "floor": (1.0, 1.0, 1.0)}, "NO"),
    ({"goal": 3.0, "apart": 1e-3}, "results differ"),
])
def test_a_goal_is_met_by_the_ratio_or_at_the_floor(arguments, met):
    assert report.goals([result(**arguments)], {}).rows[0][-1] == met


def test_the_goals_of_first_steps_count_what_is_put_off_to_the_second():
    slow_second = result()
    slow_second.program = Program("mlp", "", "", (), {}, (), 1e-4, "", first_most=(0.5, 0.1))
    slow_second.starts["tricord"] = Start(
        cold=[0.1], warm=[0.1], cold_first=[0.9], warm_first=[0.1], steps=20)
    rows = {row[0]: row[-1] for row in report.goals([slow_second], {}).rows[1:]}
    assert rows == {"mlp: first step, cold": "yes", "mlp: first 20 steps, cold": "NO",
                    "mlp: first step, warm": "yes", "mlp: first 20 steps, warm": "yes"}


def test_many_cases_get_a_row_each_with_the_share_of_the_floor():
    many = result(floor=(1.0, 1.0, 1.0))
    many.cases.append(many.cases[0])
    [table] = report.tables(many)
    assert table.header[-1] == "share of floor"
    assert [row[-1] for row in table.rows] == ["50%", "50%"]


def test_every_program_names_frameworks_and_builders_that_exist():
    for program in PROGRAMS:
        assert program.frameworks[0] == "tricord"
        assert set(program.frameworks) <= set(program.modules) & set(FRAMEWORKS)
        assert set(program.startup) <= set(program.frameworks)
        for module in program.modules.values():
            assert (interleave.ROOT / "benchmarks" / "programs" / f"{module}.py").is_file()
        for case in program.cases:
            json.dumps(case.parameters)
            assert set(case.goals) <= set(program.frameworks)


# ------------------------------------------------------------------------------- the process


@pytest.fixture
def process(tmp_path):
    run = Run({"tricord": sys.executable}, threads=1, scratch=tmp_path)
    process = WorkerProcess(run, "tricord", 1, tmp_path / "cache")
    yield process
    process.close()


def test_a_failing_request_is_answered_with_the_error_and_the_process_goes_on(process):
    with pytest.raises(RuntimeError, match="LookupError: no case is open"):
        process.ask(do="run", steps=1, warm=0)
    assert process.ask(do="memory")["peak"] > 10 << 20
    assert "Traceback" in process.log()


def test_values_that_are_not_finite_are_refused():
    class Broken:
        first, note = [0.0], ""

        def check(self):
            return [[1.0, float("nan")]]

    busy = worker.Worker()
    busy.case = Broken()
    with pytest.raises(ArithmeticError, match="finite"):
        busy.answer({"do": "check"})
