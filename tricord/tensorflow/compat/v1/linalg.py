"""``tf.compat.v1.linalg``."""

from __future__ import annotations

from ... import linalg as _linalg
from ..._names import public_names, unknown_name

globals().update({name: value for name, value in vars(_linalg).items()
                  if not name.startswith("_") and callable(value)})

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
