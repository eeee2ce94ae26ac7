"""The Keras face: names, argument orders, defaults and files of Keras 3, and the spellings of
Keras 2 that older programs use. Everything it computes is tricord's."""

from __future__ import annotations

from . import (
    activations,
    applications,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from ._module import names_of as _names_of
from ._names import name_scope
from ._operation import OpCall as Operation
from .dtype_policies import DTypePolicy
from .graph import KerasTensor
from .initializers import Initializer
from .input_spec import InputSpec
from .layers import Input, Layer
from .losses import Loss
from .metrics import Metric
from .models import Functional as Function
from .models import Model, Sequential
from .optimizers import Optimizer
from .regularizers import Regularizer
from .variable import Variable

#: the version of Keras whose names and files these are
__version__ = "3.15.1"



def version() -> str:
    """The version of Keras whose names and files these are."""
    return __version__


def device(name: str) -> object:
    """Everything is on the processor; a context manager that changes nothing."""
    return name_scope("")


__all__ = ["DTypePolicy", "Function", "Initializer", "Input", "InputSpec", "KerasTensor", "Layer",
           "Loss", "Metric", "Model", "Operation", "Optimizer", "Regularizer", "Sequential",
           "Variable", "activations", "applications", "backend", "callbacks", "config",
           "constraints", "datasets", "device", "dtype_policies", "initializers", "layers",
           "losses", "metrics", "mixed_precision", "models", "name_scope", "ops", "optimizers",
           "preprocessing", "random", "regularizers", "saving", "tree", "utils", "version"]

__getattr__ = _names_of(__name__, __all__, {
    "wrappers": "scikit-learn wrappers are not offered",
    "distribution": "there is one device", "export": "model.export is not offered yet",
    "quantizers": "quantization is not offered here"})
