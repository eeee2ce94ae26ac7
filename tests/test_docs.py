"""The documentation is executed: every ``python`` block of README.md and docs/ is a test.

Each block runs alone, in an empty folder. The line before a block may say otherwise:
``<!-- continues -->`` runs the blocks before it on the page first (back to one that does not
continue), ``<!-- not executed -->`` leaves it out.
"""

import contextvars
import re
import runpy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^(?P<fence>```+|~~~+)(?P<language>[\w-]*).*$")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    """Number of its first line on the page."""
    source: str
    """Padded with empty lines, so that a traceback shows the lines of the page."""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def fences(text: str):
    """(language, line number of the first line, lines, the line before the fence) of each block."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if start is None and fence:
            start = number
        elif start is not None and line.strip() == _FENCE.match(lines[start])["fence"]:
            before = next((above for above in reversed(lines[:start]) if above.strip()), "")
            yield (_FENCE.match(lines[start])["language"], start + 2, lines[start + 1:number],
                   before.strip())
            start = None


def python_blocks(page: Path, text: str) -> list[Block]:
    blocks: list[Block] = []
    previous = ""
    for language, line, lines, before in fences(text):
        if language != "python" or before == "<!-- not executed -->":
            continue
        start = previous if before == "<!-- continues -->" else ""
        padding = "\n" * (line - 1 - start.count("\n"))
        previous = start + padding + "\n".join(lines) + "\n"
        blocks.append(Block(page, line, previous))
    return blocks


BLOCKS = [block for page in PAGES
          for block in python_blocks(page, page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_block_runs(block, tmp_path, monkeypatch):
    script = tmp_path / f"{block.page.stem}_line_{block.line}.py"
    script.write_text(block.source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    # A thread and a context of its own: what a block switches on ends with it.
    run = contextvars.copy_context().run
    with ThreadPoolExecutor(1) as thread:
        thread.submit(run, runpy.run_path, str(script), run_name="__main__").result()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    targets = [link["target"].split("#")[0]
               for link in _LINK.finditer(page.read_text(encoding="utf-8"))
               if ":" not in link["target"]]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_blocks_are_found_and_markers_are_obeyed():
    text = ("```python\na = 1\n```\n\n<!-- continues -->\n```python\nassert a == 1\n```\n"
            "<!-- not executed -->\n```python\n1 / 0\n```\n```sh\nmake demo\n```\n"
            "````markdown\n```python\nnested = True\n```\n````\n")
    first, second = python_blocks(Path("page.md"), text)
    assert (first.line, second.line) == (2, 7)
    assert first.source.splitlines()[1] == "a = 1"
    assert (second.source.splitlines()[1], second.source.splitlines()[6]) == (
        "a = 1", "assert a == 1")
