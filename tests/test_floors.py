"""Imports go down or sideways, and stand at the top of the file.

The floors are the layers of the import-linter contract in pyproject.toml; there is no second list.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = "tricord"
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))


def floors() -> dict[str, int]:
    """Height of each module directly below the package; the ground is 0."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [contract for contract in project["tool"]["importlinter"]["contracts"]
                  if contract["type"] == "layers"]
    return {name.strip(" ()"): height
            for height, layer in enumerate(reversed(contract["layers"]))
            for name in layer.replace("|", ":").split(":")}


FLOORS = floors()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int | None:
    """The package's own ``__init__`` re-exports from everywhere: it has no floor."""
    return FLOORS[module.split(".")[1]] if "." in module else None


def is_own(module: str) -> bool:
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def imported_modules(node: ast.Import | ast.ImportFrom, module: str, is_package: bool,
                     ) -> Iterator[str]:
    """The modules of this package that one import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if is_own(alias.name))
        return
    source = node.module or ""
    if node.level:
        parts = module.split(".")
        kept = len(parts) - node.level + (1 if is_package else 0)
        source = ".".join(parts[:kept] + ([source] if source else []))
    if source == PACKAGE:  # `from tricord import nn`: what is meant is tricord.nn
        yield from (f"{PACKAGE}.{alias.name}" if alias.name in FLOORS else PACKAGE
                    for alias in node.names)
    elif is_own(source):
        yield source


def violations(text: str, module: str, is_package: bool = False) -> list[str]:
    """What the source of one module does against the rules, one sentence each."""
    tree = ast.parse(text)
    hidden = {id(inner)
              for function in ast.walk(tree)
              if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
              for inner in ast.walk(function)}
    own_floor = floor_of(module)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for target in imported_modules(node, module, is_package):
            line = f"{module}:{node.lineno}"
            if id(node) in hidden:
                found.append(f"{line} imports {target} inside a function")
            if own_floor is None:
                continue
            height = floor_of(target)
            if height is None:
                found.append(f"{line} imports the whole package, which is above every floor")
            elif height > own_floor:
                found.append(f"{line} imports {target}, which is on a higher floor")
    return found


def test_every_module_is_on_a_floor():
    there = {path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert there - {"__init__"} <= set(FLOORS), "add it to the contract in pyproject.toml"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_go_down_and_stand_at_the_top(path):
    text = path.read_text(encoding="utf-8")
    assert violations(text, module_name(path), path.name == "__init__.py") == []


@pytest.mark.parametrize(("text", "module", "is_package", "says"), [
    ("from ..tensor import Tensor", "tricord.ir.node", False, "higher floor"),
    ("from .. import tensor", "tricord.ir.node", False, "higher floor"),
    ("from ..tensor import Tensor", "tricord.ir", True, "higher floor"),
    ("from ..tensor import Tensor", "tricord.ir.ops", True, None),
    ("from ...tensor import Tensor", "tricord.ir.ops", True, "higher floor"),
    ("from tricord import nn", "tricord.ir.node", False, "higher floor"),
    ("import tricord.keras.layers", "tricord.nn.linear", False, "higher floor"),
    ("import tricord", "tricord.nn.linear", False, "whole package"),
    ("def f():\n    from . import shapes", "tricord.ir.node", False, "inside a function"),
    ("class A:\n    def f(self):\n        import tricord.errors", "tricord.nn.a", False, "inside"),
    ("def f():\n    import torch", "tricord.nn.a", False, None),
    ("from ..errors import ShapeError", "tricord.ir.node", False, None),
    ("from ..nn import Module", "tricord.train.loop", False, None),
    ("from . import keras", "tricord", True, None),
])
def test_the_rules_see_what_they_should(text, module, is_package, says):
    found = violations(text, module, is_package)
    if says is None:
        assert found == []
    else:
        assert len(found) == 1 and says in found[0]
