"""A package's ``__init__`` re-exports, and its ``__all__`` lists exactly what is there."""

import ast
import importlib

import pytest

from tests.conftest import ROOT
from tests.test_floors import FILES, is_own, module_name


def is_a_list_of_exports(path) -> bool:
    return path.name == "__init__.py" and "__all__" in path.read_text(encoding="utf-8")


PACKAGES = [module_name(path) for path in FILES if is_a_list_of_exports(path)]


def public_names(text: str, package: str) -> set[str]:
    """What the source of an ``__init__`` binds: its own definitions and what it re-exports."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module is None:
            continue  # submodules are there whether a package names them or not
        if isinstance(node, ast.ImportFrom) and node.level > 1:
            continue  # what a package uses of others is no part of it
        if isinstance(node, ast.ImportFrom) and (node.level or is_own(node.module or "")):
            for alias in node.names:
                if alias.name == "*":
                    name = "." * node.level + (node.module or "")
                    source = importlib.import_module(name, package)
                    names.update(source.__all__)
                else:
                    names.add(alias.asname or alias.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(inner.id for target in targets for inner in ast.walk(target)
                         if isinstance(inner, ast.Name))
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_exported_name_resolves(package):
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_exported_twice(package):
    # That they are sorted is ruff's rule RUF022, which also sorts them: `ruff check --fix`.
    exported = importlib.import_module(package).__all__
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_is_exported(package):
    text = (ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8")
    missing = public_names(text, package) - set(importlib.import_module(package).__all__)
    assert sorted(missing) == []


def test_the_rule_sees_definitions_assignments_and_re_exports():
    text = ("import numpy as np\nfrom __future__ import annotations\nfrom .a import b, c as d\n"
            "from . import nn\nfrom tricord.errors import *\nx, y = 1, 2\nz: int = 3\n"
            "_hidden = 4\ndef f(): ...\nclass G: ...\n")
    found = public_names(text, "tricord.somewhere")
    assert {"b", "d", "x", "y", "z", "f", "G", "ShapeError"} <= found
    assert not {"np", "nn", "annotations", "_hidden", "c"} & found
