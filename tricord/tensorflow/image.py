"""``tf.image``."""

from __future__ import annotations

from . import image_ops
from ._names import public_names, unknown_name

globals().update({name: getattr(image_ops, name) for name in image_ops.__all__})
decode_jpeg = decode_png = decode_image = image_ops.decode_image

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
