"""What every tensor handle carries. A handle is mutable; everything below it is functional.

A handle is in one of two states: *pending*, a node of the segment that recorded it; or *concrete*,
a value. A write makes it pending again, on a new node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.shapes import Shape, TensorType

if TYPE_CHECKING:
    from .history import Provenance
    from .recorder import Segment
    from .views import ViewLink

__all__ = ["Handle"]


class Handle:
    """The state behind a tensor. Rare fields live on the class until they are needed."""

    _type: TensorType
    _node: Node | None = None
    _segment: Segment | None = None
    _value: np.ndarray[Any, Any] | None = None

    #: a leaf that wants a gradient
    _wants_grad: bool = False
    #: which evaluated segment it came out of, if gradients can flow back there
    _provenance: Provenance | None = None
    #: its backward pass has run, and its graph was let go
    _graph_freed: bool = False
    _grad: Handle | None = None
    _hooks: dict[int, Any] | None = None
    _retains_grad: bool = False
    #: base and movement, if this is a view; views of this, if it is a base
    _link: ViewLink | None = None
    _views: list[Any] | None = None
    #: why the value cannot be had, after a failed evaluation
    _error: Exception | None = None

    #: the class of results computed from this handle
    _result_class: type[Handle]

    @property
    def shape(self) -> Shape:
        """The sizes, a tuple."""
        return self._type.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._type.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this tensor."""
        node = self._node
        if node is not None:
            return self._wants_grad or node.needs_grad
        return self._wants_grad or self._provenance is not None or self._graph_freed
