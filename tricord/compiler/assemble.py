"""LLVM assembly to object code, through llvmlite. Deterministic: equal text, equal bytes."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..errors import FileFormatError
from .target import Target

__all__ = ["assemble", "assembly", "load_with_llvm"]


@cache
def _binding() -> Any:
    # Imported at the first compile: it costs more than the rest of tricord.
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm


def _triple(target: Target) -> str:
    # LLVM's linker takes no object files of Windows' own format.
    return target.triple + "-elf" if os.name == "nt" else target.triple


def _machine(target: Target) -> Any:
    # The small code model keeps relocations to the few kinds that the loader knows.
    return _binding().Target.from_triple(_triple(target)).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small")


def _parsed(text: str, target: Target) -> tuple[Any, Any]:
    llvm, machine = _binding(), _machine(target)
    context = llvm.create_context()  # one per thread at work
    module = llvm.parse_assembly(text, context)
    module.triple = _triple(target)
    module.data_layout = str(machine.target_data)
    module.verify()
    return module, machine


def assemble(text: str, target: Target) -> bytes:
    """The object file of a module."""
    module, machine = _parsed(text, target)
    code: bytes = machine.emit_object(module)
    return code


def assembly(text: str, target: Target) -> str:
    """The same as readable assembly."""
    module, machine = _parsed(text, target)
    listing: str = machine.emit_assembly(module)
    return listing


class _Loaded:
    """Object code loaded by LLVM's own linker."""

    def __init__(self, engine: Any):
        self._engine = engine

    def address(self, name: str) -> int:
        found: int = self._engine.get_function_address(name)
        return found


#: Outside symbols are known by name to the whole process.
_symbols_lock = threading.Lock()


def load_with_llvm(code: bytes, externals: Mapping[str, int]) -> Any:
    """Object code ready to run, on systems whose object files tricord does not load itself.

    Raises:  FileFormatError for what is no object file
    """
    llvm = _binding()
    machine = llvm.Target.from_default_triple().create_target_machine()
    # A context of its own could be freed before the engine, which does not survive that.
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    # LLVM does not survive what is no object file; whole ones are the cache's promise.
    if not code.startswith((b"\x7fELF", b"\xcf\xfa\xed\xfe")):
        raise FileFormatError("object code: neither ELF nor Mach-O")
    file = llvm.ObjectFileRef.from_data(code)
    with _symbols_lock:
        for name, address in externals.items():
            llvm.add_symbol(name, address)
        engine.add_object_file(file)
        engine.finalize_object()
    return _Loaded(engine)
