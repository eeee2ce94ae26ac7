"""A module: functions, declarations, constant tables."""

from __future__ import annotations

from collections.abc import Sequence

from .function import Function

__all__ = ["Module"]


class Module:
    """Collects functions by name and prints them.

    A function is written once: a second request for the same name is answered with None, so that
    kernels that are wanted in several places are shared.
    """

    def __init__(self, target: object = None) -> None:
        #: the machine that the code is for, a `compiler.targets.Target`
        self.target = target
        self.functions: dict[str, Function] = {}
        self.declarations: dict[str, str] = {}
        self.globals: dict[str, str] = {}

    def function(self, name: str, arguments: Sequence[tuple[str, str]], *, result: str = "void",
                 linkage: str = "internal", attributes: str = "nounwind") -> Function:
        """A new function; arguments are pairs of type (with attributes) and name."""
        if name in self.functions:
            raise AssertionError(f"function {name} is there already")
        made = Function(self, name, arguments, result, linkage, attributes)
        self.functions[name] = made
        return made

    def __contains__(self, name: str) -> bool:
        return name in self.functions

    def declare(self, name: str, result: str, arguments: Sequence[str]) -> None:
        """An outside function or intrinsic."""
        if name not in self.declarations:
            self.declarations[name] = f"declare {result} @{name}({', '.join(arguments)})"

    def table(self, name: str, element: str, texts: Sequence[str]) -> str:
        """A constant array; returns the text of its address."""
        if name not in self.globals:
            items = ", ".join(f"{element} {t}" for t in texts)
            self.globals[name] = (f"@{name} = private unnamed_addr constant "
                                  f"[{len(texts)} x {element}] [{items}], align 64")
        return f"@{name}"

    def text(self) -> str:
        return "\n".join([*self.globals.values(), *self.declarations.values(),
                          *(f.text() for f in self.functions.values())]) + "\n"
