"""The primitive records, a file per family. Importing this package registers them all."""

from . import contraction, convolution, elementwise, movement, reduce, structural, window

__all__ = ["contraction", "convolution", "elementwise", "movement", "reduce", "structural",
           "window"]
