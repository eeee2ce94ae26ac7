"""``tf.autodiff``: derivatives in both directions."""

from __future__ import annotations

from typing import Any

from ..errors import NotSupportedError
from .tape import GradientTape as GradientTape


class ForwardAccumulator:
    """Refused: it watches code as it runs; `tricord.jvp` takes a function."""

    def __init__(self, primals: Any, tangents: Any):
        raise NotSupportedError("tf.autodiff.ForwardAccumulator is not supported by tricord",
                                hint="tricord.jvp(function, primals, tangents)")
