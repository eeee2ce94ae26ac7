"""``tf.compat.v1.random``."""

from __future__ import annotations

from ... import random_ops
from ..._names import public_names, unknown_name

globals().update({name: getattr(random_ops, name) for name in random_ops.__all__})
set_random_seed = random_ops.set_seed
multinomial = random_ops.categorical

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
