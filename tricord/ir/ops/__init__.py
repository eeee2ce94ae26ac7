"""The primitive records, a file per family. Importing this package registers them all."""

from . import (
    checks,
    contraction,
    control,
    convolution,
    dynamic_slice,
    elementwise,
    fft,
    indexing,
    linalg,
    movement,
    random_bits,
    reduce,
    sort,
    spectral,
    structural,
    window,
)

__all__ = ["checks", "contraction", "control", "convolution", "dynamic_slice", "elementwise", "fft",
           "indexing", "linalg", "movement", "random_bits", "reduce", "sort", "spectral",
           "structural", "window"]
