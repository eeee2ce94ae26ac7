"""Importing the readers stays cheap, and no reader can reach for pickle, eval or another module."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "tricord" / "serialize").glob("*.py"))


def test_h5py_is_imported_at_the_first_h5_file_that_is_written():
    program = ("import sys, io; from tricord import serialize as s; "
               "assert 'h5py' not in sys.modules; "
               "s.save_hdf5(io.BytesIO(), s.H5Group()); assert 'h5py' in sys.modules")
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_that_runs_code_is_named(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    called = {node.func.id for node in ast.walk(tree)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not imported & {"pickle", "marshal", "shelve", "dill", "runpy", "subprocess", "ctypes"}
    assert not called & {"eval", "exec", "compile", "__import__"}
    if path.name != "_lazy.py":
        assert "importlib" not in imported
