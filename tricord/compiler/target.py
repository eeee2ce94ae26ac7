"""What differs per machine, as a table: one `Target` per kind of processor.

Adding a processor is adding a row; no record and no kernel names one.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .. import settings
from ..errors import SettingError, nearest

__all__ = ["TARGETS", "Target", "Tile", "host_features", "host_target"]


@dataclass(frozen=True)
class Tile:
    """A matrix product's register tile: rows of the left operand, vectors of the right one."""

    rows: int
    vectors: int


@dataclass(frozen=True)
class Target:
    """One kind of processor.

    ``needs``: features (as the operating system names them) without which code for it must not
    run. ``vector_bytes``: the widest registers worth using. ``tiles``: register tiles for matrix
    products, best first; the first that suits a shape is taken.
    """

    name: str
    triple: str
    cpu: str
    features: str
    needs: tuple[str, ...]
    vector_bytes: int
    vector_registers: int
    has_fma: bool
    tiles: tuple[Tile, ...]
    #: rounding to whole numbers, and half as a format to load and store
    has_rounding: bool = True
    has_half: bool = True
    #: an instruction for x * 2**k
    has_scale: bool = False
    #: sizes in bytes that cache blocking is laid out for; not asked of the machine, because block
    #: sizes decide the order of sums, and the same program gives the same bits everywhere
    l1_bytes: int = 32 << 10
    l2_bytes: int = 1 << 20

    def lanes(self, itemsize: int) -> int:
        """Elements of ``itemsize`` bytes in one register."""
        return self.vector_bytes // itemsize


_SYSTEM: Final = {"linux": "unknown-linux-gnu", "darwin": "apple-darwin",
                  "win32": "pc-windows-msvc"}.get(sys.platform, "unknown-linux-gnu")

TARGETS: Final[Mapping[str, Target]] = {t.name: t for t in (
    Target("avx512", f"x86_64-{_SYSTEM}", "x86-64-v4", "", vector_bytes=64, vector_registers=32,
           needs=("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "bmi2"),
           has_fma=True, has_scale=True, tiles=(Tile(14, 2), Tile(9, 3), Tile(28, 1))),
    Target("avx2", f"x86_64-{_SYSTEM}", "x86-64-v3", "", vector_bytes=32, vector_registers=16,
           needs=("avx2", "fma", "bmi2", "f16c"), has_fma=True,
           tiles=(Tile(6, 2), Tile(4, 3), Tile(12, 1))),
    Target("sse2", f"x86_64-{_SYSTEM}", "x86-64", "", vector_bytes=16, vector_registers=16,
           needs=("sse2",), has_fma=False, has_rounding=False, has_half=False,
           tiles=(Tile(6, 2), Tile(4, 3), Tile(12, 1))),
    Target("neon", f"aarch64-{_SYSTEM}", "generic", "+neon", vector_bytes=16, vector_registers=32,
           needs=("asimd",), has_fma=True, tiles=(Tile(8, 3), Tile(6, 4), Tile(12, 2))),
)}


@cache
def host_features() -> frozenset[str]:
    """The features of this machine's processor, as Linux names them."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("flags", "Features"):
                return frozenset(value.split())
    if platform.machine().lower() in ("arm64", "aarch64"):
        return frozenset({"asimd"})
    import llvmlite.binding as llvm  # only where the operating system does not tell

    found = {name for name, on in llvm.get_host_cpu_features().items() if on}
    return frozenset(found)


def host_target() -> Target:
    """The best target that this machine can run; ``TRICORD_TARGET`` chooses another.

    Raises:  SettingError if this machine lacks what the chosen target needs
    """
    wanted = settings.get().target
    if wanted:
        if wanted not in TARGETS:
            raise SettingError(f"TRICORD_TARGET={wanted!r}: there are {', '.join(TARGETS)}",
                               hint=nearest(wanted, TARGETS))
        missing = [n for n in TARGETS[wanted].needs if n not in host_features()]
        if missing:
            raise SettingError(f"TRICORD_TARGET={wanted!r}: this machine lacks "
                               f"{', '.join(missing)}")
        return TARGETS[wanted]
    for target in TARGETS.values():
        if all(n in host_features() for n in target.needs):
            return target
    raise SettingError(f"no code generator for this machine ({platform.machine()})",
                       hint="TRICORD_DEVICE=numpy runs everything through numpy")
