"""Worker processes: the same batches, loud deaths, clean ends. Each start costs about 0.2 s."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.data import sets
from tests.data.test_loader import plain, wait_until
from tricord import settings
from tricord.data import DataLoader, RandomSampler, TensorDataset
from tricord.errors import ArgumentError, LoaderWorkerDied

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")


def children() -> list[int]:
    """The process ids of living children of this process."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has just ended
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


@pytest.fixture(autouse=True)
def nothing_is_left():
    before, files = children(), set(os.listdir("/proc/self/fd"))
    yield
    assert wait_until(lambda: children() == before), "a worker process is left"
    assert wait_until(lambda: len(os.listdir("/proc/self/fd")) <= len(files)), "a file is left"
    loaders = ("tricord-requests", "tricord-receive", "tricord-prefetch")
    assert wait_until(lambda: not [t for t in threading.enumerate() if t.name in loaders])


def run_script(folder: Path, text: str, *command: str, **options) -> subprocess.CompletedProcess:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, sys.executable, str(script)], env=environment, text=True,
                          capture_output=True, timeout=30, cwd=folder, **options)


# ---------------------------------------------------------------------------------- the same result


def test_any_number_of_workers_gives_the_same_bits():  # P6.1, P6.2 at the loader
    def epochs(workers, **options):
        loader = DataLoader(sets.Augmented(11), batch_size=3, shuffle=True, generator=4,
                            num_workers=workers, **options)
        return [[plain(batch) for batch in loader] for _ in range(2)]

    expected = epochs(0)
    assert epochs(1, persistent_workers=True) == expected
    assert epochs(3, prefetch_factor=1) == expected


def test_rows_of_arrays_go_through_workers_too(rng):
    data = TensorDataset(rng.normal(size=(9, 2)), np.arange(9))
    here, there = (list(DataLoader(data, batch_size=4, num_workers=n)) for n in (0, 2))
    assert [plain(b) for b in here] == [plain(b) for b in there]


def test_batches_from_workers_can_be_written_to():
    loader = DataLoader(sets.Squares(4), batch_size=4, num_workers=1, collate_fn=np.array)
    [batch] = loader
    batch += 1
    assert batch[2].tolist() == [5.0, 3.0]


def test_global_generators_are_keyed_by_the_sample():
    one, two = ([plain(b) for b in DataLoader(sets.GlobalNoise(8), 2, num_workers=n)]
                for n in (1, 2))
    values = [x for batch in one for x in batch[0]]
    assert one == two and len(set(values)) == 8


def test_with_worker_init_fn_the_user_seeds_the_generators():
    loader = DataLoader(sets.GlobalNoise(4), 1, num_workers=2, worker_init_fn=sets.seed_numpy)
    noisy = [plain(batch)[0][0] for batch in loader]
    assert len(set(noisy)) == 4


def test_streams_take_turns_and_end_one_by_one():
    loader = DataLoader(sets.Stream(7), batch_size=2, num_workers=2)
    assert [plain(b) for b in loader] == [[0, 2], [1, 3], [4, 6], [5]]
    twice = DataLoader(sets.Stream(2, shared=False), batch_size=2, num_workers=2)
    assert [plain(b) for b in twice] == [[0, 1], [0, 1]]


def test_resuming_with_workers_gives_what_would_have_come():  # P15.1
    def new():
        return DataLoader(sets.Augmented(10), batch_size=3, shuffle=True, num_workers=2)

    unbroken = [plain(batch) for batch in chain(*(list(DataLoader(
        sets.Augmented(10), batch_size=3, shuffle=True)) for _ in range(1)))]
    loader = new()
    iterator = iter(loader)
    seen = [plain(next(iterator)) for _ in range(2)]
    state = pickle.loads(pickle.dumps(loader.state_dict()))
    del iterator
    resumed = new()
    resumed.load_state_dict(state)
    assert seen + [plain(batch) for batch in resumed] == unbroken


def test_persistent_workers_stay_and_the_others_go():
    loader = DataLoader(sets.Who(4), 1, num_workers=2, persistent_workers=True)
    first, second = ([plain(b)[0] for b in loader] for _ in range(2))
    assert first == second and len(set(first)) == 2
    assert sorted(children()) == sorted(set(first))
    other = DataLoader(sets.Who(2), 1, num_workers=1)
    assert plain(next(iter(other))) != plain(next(iter(other)))


def test_an_older_iterator_of_persistent_workers_says_it_was_replaced():
    loader = DataLoader(sets.Squares(9), 1, num_workers=1, persistent_workers=True)
    old = iter(loader)
    next(old)
    assert [plain(b)[1][0] for b in loader] == list(range(9))
    with pytest.raises(ArgumentError, match="replaced by a newer one"):
        next(old)


def test_settings_and_import_hooks_reach_the_workers(monkeypatch):
    class Finder:
        tricord_worker_setup = "tests.data.sets:hook"

        def find_spec(self, name, path=None, target=None):
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    with settings.override(node_budget=4321):
        [batch] = DataLoader(sets.Surroundings(1), num_workers=1)
    assert plain(batch) == [[4321], [1]] and sets.Surroundings.hooked == 0


# --------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(("how", "says"), [("SIGKILL", "was killed by SIGKILL"),
                                           ("SIGSEGV", "was killed by SIGSEGV"),
                                           ("exit", "exited with code 3")])
def test_a_dead_worker_is_named_with_its_signal_and_sample(how, says):  # P1.1
    order = RandomSampler(range(40), generator=1).order(0).tolist()
    at = order[13]  # batch 3, so worker 1
    loader = DataLoader(sets.Dying(40, at, how), batch_size=4, num_workers=2,
                        sampler=order)
    started = time.monotonic()
    with pytest.raises(LoaderWorkerDied, match=rf"worker 1 \(pid \d+\) {says} while loading "
                       rf"sample {at} \(batch 3\)"):
        list(loader)
    assert time.monotonic() - started < 5


def test_a_worker_killed_from_outside_ends_the_wait():
    iterator = iter(DataLoader(sets.Slow(40), batch_size=4, num_workers=2))
    assert wait_until(lambda: len(children()) == 2)
    time.sleep(0.5)  # both are asleep in their first sample by now
    os.kill(max(children()), signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(LoaderWorkerDied, match=r"worker \d .* killed by SIGKILL while loading"):
        next(iterator)
    assert time.monotonic() - started < 5


def test_a_failure_in_a_worker_shows_the_workers_own_traceback():  # P34
    with pytest.raises(ValueError, match="Caught ValueError in DataLoader worker process 1") as got:
        list(DataLoader(sets.Failing(9, at=5), batch_size=2, shuffle=False, num_workers=2,
                        sampler=[0, 1, 2, 3, 4, 6, 5]))
    text = str(got.value)
    assert 'sets.py", line' in text and "raise self.error(index)" in text
    assert "sample 5 is broken" in text and "while loading sample 5" in text


def test_a_failure_keeps_its_class_where_it_can():
    with pytest.raises(KeyError) as got:
        list(DataLoader(sets.FailingKey(3, at=1), num_workers=1))
    assert "\n  File " in str(got.value)  # real line ends, not a repr of them
    with pytest.raises(RuntimeError, match="Caught OddError in DataLoader worker process 0"):
        list(DataLoader(sets.FailingOdd(3, at=1), num_workers=1))
    with pytest.raises(OSError, match="worker 0 has no disk"):
        list(DataLoader(sets.Squares(3), num_workers=1, worker_init_fn=sets.refuse))


def test_a_slow_sample_runs_into_the_timeout():
    with pytest.raises(LoaderWorkerDied, match=r"timed out after 1 seconds: worker 0"):
        list(DataLoader(sets.Slow(2), num_workers=1, timeout=1))


def test_what_cannot_be_sent_says_what_to_do():
    with pytest.raises(ArgumentError, match="cannot be sent to a worker process") as got:
        list(DataLoader(sets.Squares(3), num_workers=1, collate_fn=lambda samples: samples))
    assert "no lambda" in got.value.hint


# ------------------------------------------------------------------------------------- clean ends


def test_dropping_the_iterator_ends_the_workers_at_once():
    iterator = iter(DataLoader(sets.Slow(8), num_workers=2))
    assert len(children()) == 2
    started = time.monotonic()
    del iterator
    assert not children() and time.monotonic() - started < 2


def test_ctrl_c_leaves_no_process(tmp_path):  # P1.4
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent("""
        from tests.data import sets
        from tricord.data import DataLoader
        if __name__ == "__main__":
            for _ in DataLoader(sets.Who(10**9), batch_size=1, num_workers=2, prefetch_factor=4):
                print(int(_[0]), flush=True)
        """))
    process = subprocess.Popen([sys.executable, str(script)], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
                               start_new_session=True)
    workers = {int(process.stdout.readline()) for _ in range(4)}
    assert len(workers) == 2
    os.killpg(process.pid, signal.SIGINT)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    process.wait(5)
    assert "KeyboardInterrupt" in error or "BrokenPipe" in error
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 2)


def test_a_killed_parent_takes_its_workers_along(tmp_path):
    finished = run_script(tmp_path, """
        import os, signal
        from tests.data import sets
        from tricord.data import DataLoader
        if __name__ == "__main__":
            batches = iter(DataLoader(sets.Who(100), batch_size=1, num_workers=2))
            print(*(int(next(batches)[0]) for _ in range(2)), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """)
    workers = [int(pid) for pid in finished.stdout.split()]
    assert len(workers) == 2, finished.stderr
    assert wait_until(lambda: not any(alive(pid) for pid in workers), 2)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


SET_IN_SCRIPT = """
    from tricord.data import DataLoader, Dataset
    print("the script runs")
    class Own(Dataset):
        def __len__(self):
            return 4
        def __getitem__(self, index):
            return index * 10
"""


def test_a_script_without_the_guard_gets_one_clear_message(tmp_path):  # P1.3
    finished = run_script(tmp_path, SET_IN_SCRIPT + """
    for batch in DataLoader(Own(), batch_size=2, num_workers=2):
        print(batch)
    """)
    assert finished.returncode == 1
    assert finished.stdout == "the script runs\n"
    assert finished.stderr.count("Error") + finished.stderr.count("LoaderWorkerDied:") == 1
    assert "if __name__ == '__main__':" in finished.stderr
    assert "starts training when it is imported" in finished.stderr


def test_a_script_with_the_guard_defines_its_own_data_set(tmp_path):
    finished = run_script(tmp_path, SET_IN_SCRIPT + """
    if __name__ == "__main__":
        for batch in DataLoader(Own(), batch_size=2, num_workers=2):
            print(batch.numpy().tolist() if hasattr(batch, "numpy") else batch.tolist())
    """)
    assert finished.stdout == "the script runs\n[0, 10]\n[20, 30]\n", finished.stderr


def test_without_a_class_of_the_script_no_guard_is_needed(tmp_path):
    finished = run_script(tmp_path, """
        import numpy as np
        from tricord.data import DataLoader, TensorDataset
        for batch, in DataLoader(TensorDataset(np.arange(4)), batch_size=2, num_workers=2):
            print(len(batch))
        """)
    assert finished.stdout == "2\n2\n", finished.stderr


def test_shared_memory_is_not_needed(tmp_path):  # P1.2
    """With a /dev/shm of 64 KiB in a namespace of its own, megabytes come through."""
    if shutil.which("unshare") is None or subprocess.run(
            ["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system does not allow a private mount")
    finished = run_script(tmp_path, """
        import subprocess
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "/dev/shm"], check=True)
        import numpy as np
        from tricord.data import DataLoader, TensorDataset
        data = TensorDataset(np.ones((8, 500_000), np.float32))
        print(sum(float(np.asarray(b).sum()) for b, in DataLoader(data, 2, num_workers=2)))
        """, "unshare", "-rm")
    assert finished.stdout == "4000000.0\n", finished.stderr


def test_many_starts_leave_nothing():  # P1.5, with processes
    for _ in range(4):
        list(DataLoader(sets.Squares(4), batch_size=2, num_workers=1))
    # the fixture looks at threads, files and children
