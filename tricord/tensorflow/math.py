"""``tf.math``."""

from __future__ import annotations

from . import array_ops, math_ops, nn_ops
from ._names import public_names, unknown_name, words

_NAMES = words("""
    abs accumulate_n acos acosh add add_n angle approximate_equal argmax argmin asin asinh atan
    atan2 atanh bessel_i0 bincount ceil confusion_matrix conj cos cosh count_nonzero cumprod
    cumsum digamma divide divide_no_nan equal erf erfc erfinv exp expm1 floor floordiv floormod
    greater greater_equal imag in_top_k is_finite is_inf is_nan l2_normalize less less_equal
    lgamma log log1p log_sigmoid logical_and logical_not logical_or logical_xor maximum minimum
    multiply multiply_no_nan ndtri negative nextafter not_equal polyval pow real reciprocal
    reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean
    reduce_min reduce_prod reduce_std reduce_sum reduce_variance rint round rsqrt segment_max
    segment_mean segment_min segment_prod segment_sum sigmoid sign sin sinh softplus sqrt square
    squared_difference subtract tan tanh top_k truediv unsorted_segment_max
    unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n
    unsorted_segment_sum xlog1py xlogy zero_fraction""")

globals().update({name: getattr(math_ops, name) for name in _NAMES})
mod = math_ops.floormod
scalar_mul = math_ops.multiply
invert_permutation = array_ops.invert_permutation
log_softmax, softmax, softsign = nn_ops.log_softmax, nn_ops.softmax, nn_ops.softsign

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
