"""What a tensor says about itself, and new tensors made like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import NotSupportedError, ShapeError
from ...ir.dtypes import as_dtype
from ...ir.memory import check_shape
from ...ir.shapes import Shape
from ..handle import Handle
from ..recorder import value_of, wrap
from .elementwise import check_device
from .shape import sizes

__all__ = ["FactMethods"]


class FactMethods(Handle):
    """Facts, under PyTorch's names, and ``new_zeros`` and its relatives."""

    # ---- creation from this tensor

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 0, dtype=dtype, requires_grad=requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 1, dtype=dtype, requires_grad=requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 0, dtype=dtype, requires_grad=requires_grad)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Any:
        wanted = self.dtype if dtype is None else as_dtype(dtype)
        size = tuple(size)
        check_shape("new_full", size, wanted)
        made = wrap(np.full(size, fill_value, wanted.numpy), self._result_class)
        return made.requires_grad_(True) if requires_grad else made

    def new_tensor(self, data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
        wanted = self.dtype if dtype is None else as_dtype(dtype)
        made = wrap(np.array(data).astype(wanted.numpy), self._result_class)
        return made.requires_grad_(True) if requires_grad else made

    # ---- facts

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._type.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._type.nbytes

    def stride(self, dim: int | None = None) -> Any:
        """Elements to step over for the next one along each axis, in row-major order."""
        steps = [1] * self.ndim
        for axis in range(self.ndim - 2, -1, -1):
            steps[axis] = steps[axis + 1] * max(self.shape[axis + 1], 1)
        return tuple(steps) if dim is None else steps[dim]

    #: nothing lives on an accelerator, nothing is sparse, quantised or named
    is_cuda = is_mps = is_xpu = is_sparse = is_quantized = is_mkldnn = is_meta = False
    is_cpu = True
    is_nested = False
    layout = "torch.strided"
    names = property(lambda self: (None,) * self.ndim)

    def storage_offset(self) -> int:
        return 0

    def data_ptr(self) -> int:
        """The address of the (evaluated) value."""
        return int(value_of(self).ctypes.data)

    def is_same_size(self, other: Any) -> bool:
        return bool(self.shape == other.shape)

    def get_shape(self) -> Shape:
        """TensorFlow's name for ``shape``."""
        return self.shape

    @property
    def mH(self) -> Any:  # noqa: N802 - the standard's name
        """The last two axes exchanged, conjugated."""
        moved = self.mT  # type: ignore[attr-defined]
        return moved.conj() if self.dtype.is_complex else moved

    @property
    def H(self) -> Any:  # noqa: N802 - PyTorch's name
        """The conjugate transpose of a matrix."""
        if self.ndim not in (0, 2):
            raise ShapeError("H: only supported on matrices (2-D tensors), got shape "
                             f"{tuple(self.shape)}")
        return self.mH if self.ndim else self

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this intermediate tensor."""
        return self._retains_grad

    def is_nonzero(self) -> bool:
        """The truth of the only element."""
        return bool(self)

    def get_device(self) -> int:
        """-1: the CPU."""
        return -1

    def is_inference(self) -> bool:
        return False

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def pin_memory(self, device: Any = None) -> Any:
        """The tensor itself: there is no device to copy to."""
        return self

    def share_memory_(self) -> Any:
        """The tensor itself; loaders share memory on their own."""
        return self

    def is_shared(self) -> bool:
        return False

    def resolve_conj(self) -> Any:
        return self

    def resolve_neg(self) -> Any:
        return self

    def is_conj(self) -> bool:
        return False

    def is_neg(self) -> bool:
        return False

    def map_(self, tensor: Any, callable: Callable[[Any, Any], Any]) -> Any:
        """``callable(a, b)`` for each pair of elements, in Python."""
        return self.copy_(wrap(np.vectorize(callable)(value_of(self), value_of(tensor)).astype(  # type: ignore[attr-defined]
            self.dtype.numpy)))

    def apply_(self, callable: Callable[[Any], Any]) -> Any:
        """``callable(a)`` for each element, in Python: slow."""
        return self.copy_(wrap(np.vectorize(callable)(value_of(self)).astype(self.dtype.numpy)))  # type: ignore[attr-defined]

    def to_sparse(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError("to_sparse: sparse tensors are not supported",
                                hint="index_add and embedding take indices")

    def to_dense(self) -> Any:
        return self

    def mps(self) -> Any:
        check_device("mps")
