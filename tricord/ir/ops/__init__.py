"""The primitive records, a file per family. Importing this package registers them all."""

from . import (
    contraction,
    control,
    convolution,
    dynamic_slice,
    elementwise,
    indexing,
    movement,
    random_bits,
    reduce,
    sort,
    structural,
    window,
)

__all__ = ["contraction", "control", "convolution", "dynamic_slice", "elementwise", "indexing",
           "movement", "random_bits", "reduce", "sort", "structural", "window"]
