"""The primitive records, a file per family. Importing this package registers them all."""

from . import contraction, elementwise, movement, reduce, structural

__all__ = ["contraction", "elementwise", "movement", "reduce", "structural"]
