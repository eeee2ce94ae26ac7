"""The machine code that is the same for all programs: loaded once per process and target."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ...compiler.assemble import assemble, load_with_llvm
from ...compiler.llvm import Module
from ...compiler.program import BARRIER
from ...compiler.target import Target, host_target
from ...errors import FileFormatError, NotSupportedError
from . import entry_code, threads_code
from .elf import load_elf
from .layout import layout_is_known
from .object_cache import keep, key_of, lookup
from .processors import POOL_POSSIBLE
from .workers import Workers

__all__ = ["Machine", "code_of", "is_kept", "loaded", "machine"]

#: Whether tricord loads object files itself; elsewhere LLVM does.
_OWN_LOADER: Final = sys.platform == "linux" and os.uname().machine == "x86_64"


@cache
def _compiler() -> str:
    """Which llvmlite makes the code, asked without importing it: that takes longer than loading."""
    spec = find_spec("llvmlite")
    try:
        return Path(spec.origin or "").with_name("_version.py").read_text() if spec else ""
    except OSError:
        return ""


def _key(text: str, target: Target) -> str:
    return key_of([target.triple, target.cpu, target.features, _compiler(), text])


def _assembled(text: str, target: Target) -> bytes:
    code = assemble(text, target)
    keep(_key(text, target), code)
    return code


def code_of(text: str, target: Target) -> bytes:
    """The object code of a module's text, from the disk if it is there."""
    return lookup(_key(text, target)) or _assembled(text, target)


def is_kept(text: str, target: Target) -> bool:
    """Whether a module's object code is on the disk."""
    return lookup(_key(text, target)) is not None


def loaded(text: str, target: Target, externals: Mapping[str, int]) -> Any:
    """A module's code ready to run; what comes back has ``address(name)`` and must be kept."""
    load = load_elf if _OWN_LOADER else load_with_llvm
    try:
        return load(code_of(text, target), externals)
    except FileFormatError:  # whoever kept it there did not know this loader
        return load(_assembled(text, target), externals)


def _symbols(library: Any, names: tuple[str, ...]) -> dict[str, int]:
    return {n: ctypes.cast(getattr(library, n), ctypes.c_void_p).value or 0 for n in names}


class _MethodDef(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("method", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("doc", ctypes.c_char_p))


_FASTCALL: Final = 0x80


class Machine:
    """Entry, launch, fork and join, barrier: addresses. Never freed, because its workers are
    inside it until the process ends.

    ``launch``: runs the program of a block, whose address it takes. ``workers``: None where no
    thread pool is possible. ``reads_objects``: whether `function` is possible.
    """

    def __init__(self, target: Target):
        if ctypes.sizeof(ctypes.c_void_p) != 8:
            raise NotSupportedError("compiled code: only for 64-bit Python",
                                    hint="TRICORD_DEVICE=numpy runs everything through numpy")
        self.reads_objects = layout_is_known()
        module = Module(target)
        outside: dict[str, int] = {}
        if POOL_POSSIBLE:
            threads_code.emit_threads(module, target)
            outside |= _symbols(ctypes.CDLL(None), threads_code.EXTERNALS)
        else:
            threads_code.emit_no_threads(module)
        entry_code.emit_launch(module, target, pool=POOL_POSSIBLE)
        if self.reads_objects:
            entry_code.emit_entry(module)
            outside |= _symbols(ctypes.pythonapi, entry_code.EXTERNALS)
        self.image = loaded(module.text(), target, outside)
        self.launch = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(
            self.image.address("launch"))
        self.externals = {BARRIER: self.image.address(BARRIER)}
        self.workers = Workers(self.image) if POOL_POSSIBLE else None
        if self.reads_objects:
            self._method = _MethodDef(b"call", self.image.address("entry"), _FASTCALL, None)
            self._new = ctypes.pythonapi.PyCFunction_NewEx
            self._new.restype = ctypes.py_object
            self._new.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.py_object)
        if hasattr(ctypes, "pythonapi"):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))

    def function(self, block: int, keep: object) -> Callable[[list[Any], list[Any]], int]:
        """A Python function that runs the program of a block, see `entry_code`, and keeps an object
        alive meanwhile."""
        made: Callable[[list[Any], list[Any]], int] = self._new(
            ctypes.addressof(self._method), block, keep)
        return made


_machines: dict[str, Machine] = {}
_lock = threading.Lock()


def machine(target: Target | None = None) -> Machine:
    """The process's machine for a target."""
    target = target or host_target()
    found = _machines.get(target.name)
    if found is None:
        with _lock:
            found = _machines.get(target.name)
            if found is None:
                found = _machines[target.name] = Machine(target)
    return found


def _forget_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
