"""``tf.linalg``."""

from __future__ import annotations

from . import linalg_ops
from ._names import public_names, unknown_name, words

_NAMES = words("""
    adjoint band_part cholesky cholesky_solve cross det diag diag_part eig eigh eigvals eigvalsh
    einsum eye global_norm inv l2_normalize logdet lstsq matmul matrix_rank matrix_transpose
    matvec norm normalize pinv qr set_diag slogdet solve svd tensor_diag tensor_diag_part
    tensordot trace triangular_solve""")

globals().update({name: getattr(linalg_ops, name) for name in _NAMES})

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
