"""``tf.bitwise``."""

from __future__ import annotations

from . import math_ops

bitwise_and, bitwise_or, bitwise_xor = (math_ops.bitwise_and, math_ops.bitwise_or,
                                        math_ops.bitwise_xor)
invert = math_ops._unary.made["invert"]
left_shift, right_shift = math_ops.left_shift, math_ops.right_shift
