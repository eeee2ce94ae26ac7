"""``tf.config``: what there is, and settings that change nothing on a CPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

from ._names import public_names, unknown_name
from ._op import modes
from .function import run_functions_eagerly as run_functions_eagerly


class PhysicalDevice(NamedTuple):
    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The processor; there are no other devices."""
    found = [PhysicalDevice("/physical_device:CPU:0", "CPU")]
    return [d for d in found if device_type in (None, d.device_type)]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    found = [LogicalDevice("/device:CPU:0", "CPU")]
    return [d for d in found if device_type in (None, d.device_type)]


get_visible_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Accepted: there is one."""


def set_soft_device_placement(enabled: bool) -> None:
    """Accepted: everything is on the CPU."""


def get_soft_device_placement() -> bool:
    return True


def functions_run_eagerly() -> bool:
    """Whether what `tf.function` makes runs as Python at each call."""
    return modes.eager_functions


def executing_eagerly() -> bool:
    """Whether operations give values at once."""
    return modes.run is not None or (modes.eager and not modes.graphs)


def _accept(*args: Any, **kwargs: Any) -> None:
    """Accepted; nothing to do."""


threading = SimpleNamespace(
    set_intra_op_parallelism_threads=_accept, set_inter_op_parallelism_threads=_accept,
    get_intra_op_parallelism_threads=lambda: 0, get_inter_op_parallelism_threads=lambda: 0)
optimizer = SimpleNamespace(set_jit=_accept, get_jit=lambda: "", set_experimental_options=_accept,
                            get_experimental_options=dict)
experimental = SimpleNamespace(
    list_physical_devices=list_physical_devices, set_memory_growth=_accept,
    get_memory_growth=lambda device: True, enable_op_determinism=_accept,
    set_visible_devices=set_visible_devices, enable_tensor_float_32_execution=_accept)

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
