"""LLVM assembly to object code, through llvmlite. Deterministic: equal text, equal bytes."""

from __future__ import annotations

from functools import cache
from typing import Any

from .target import Target

__all__ = ["assemble", "assembly"]


@cache
def _binding() -> Any:
    # Imported at the first compile: it costs more than the rest of tricord.
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm


def _machine(target: Target) -> Any:
    # The small code model keeps relocations to the few kinds that the loader knows.
    return _binding().Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small")


def _parsed(text: str, target: Target) -> tuple[Any, Any]:
    llvm, machine = _binding(), _machine(target)
    context = llvm.create_context()  # one per thread at work
    module = llvm.parse_assembly(text, context)
    module.triple = target.triple
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
