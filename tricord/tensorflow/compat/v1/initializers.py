"""``tf.compat.v1.initializers``."""

from __future__ import annotations

from ..._names import public_names, unknown_name
from ...graph_variables import (
    constant_initializer as constant,
)
from ...graph_variables import (
    global_variables_initializer as global_variables,
)
from ...graph_variables import (
    glorot_normal_initializer as glorot_normal,
)
from ...graph_variables import (
    glorot_uniform_initializer as glorot_uniform,
)
from ...graph_variables import (
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
)
from ...graph_variables import (
    identity_initializer as identity,
)
from ...graph_variables import (
    local_variables_initializer as local_variables,
)
from ...graph_variables import (
    ones_initializer as ones,
)
from ...graph_variables import (
    orthogonal_initializer as orthogonal,
)
from ...graph_variables import (
    random_normal_initializer as random_normal,
)
from ...graph_variables import (
    random_uniform_initializer as random_uniform,
)
from ...graph_variables import (
    truncated_normal_initializer as truncated_normal,
)
from ...graph_variables import (
    variables_initializer as variables,
)
from ...graph_variables import (
    variance_scaling_initializer as variance_scaling,
)
from ...graph_variables import (
    zeros_initializer as zeros,
)

__all__ = ["constant", "global_variables", "glorot_normal", "glorot_uniform", "he_normal",
           "he_uniform", "identity", "lecun_normal", "lecun_uniform", "local_variables", "ones",
           "orthogonal", "random_normal", "random_uniform", "truncated_normal", "variables",
           "variance_scaling", "zeros"]

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
