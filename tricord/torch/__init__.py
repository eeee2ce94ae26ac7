# ruff: noqa: F401, F403, PLE0605 - it lists the names of others
"""The PyTorch face: ``from tricord import torch``, or ``import torch`` under ``tricord run``.

Names, argument orders, defaults and return values follow PyTorch 2.13. There is no arithmetic
here: functions are methods of the one Tensor, or record composites of `tricord.functions`.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

from ..ir.shapes import Shape as Size
from ..tensor import Tensor
from . import (
    amp,
    autograd,
    backends,
    cuda,
    distributions,
    fft,
    func,
    jit,
    linalg,
    mps,
    nn,
    optim,
    random,
    serialization,
    special,
    utils,
)
from ._names import unknown_name as _unknown_name
from .amp import GradScaler, autocast
from .by_name import FUNCTIONS as _FUNCTIONS
from .constructors import *
from .creation import *
from .devices import device, get_default_device, set_default_device
from .dtypes import *
from .dtypes import ALIASES as _ALIASES
from .func import vmap
from .functions import *
from .grad_mode import *
from .modes import *
from .printing import get_printoptions, set_printoptions
from .sampling import *
from .serialization import load, save

e, inf, nan, pi, newaxis = math.e, math.inf, math.nan, math.pi, None
strided = "torch.strided"
contiguous_format = channels_last = channels_last_3d = preserve_format = "torch.contiguous_format"

#: What this face follows; a local version label, so that programs that compare versions go on.
__version__ = "2.13.0+tricord"

version = SimpleNamespace(__version__=__version__, cuda=None, hip=None, git_version="tricord",
                          debug=False)

#: Functions that PyTorch keeps both here and in torch.nn.functional.
_ALSO_HERE = ("alpha_dropout", "bilinear", "binary_cross_entropy_with_logits", "celu",
              "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
              "conv_transpose3d", "cosine_similarity", "dropout", "embedding", "group_norm",
              "hinge_embedding_loss", "instance_norm", "layer_norm", "batch_norm",
              "margin_ranking_loss", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle",
              "rms_norm", "rrelu", "selu", "threshold", "avg_pool1d", "max_pool1d", "max_pool2d",
              "max_pool3d", "adaptive_avg_pool1d", "adaptive_max_pool1d", "kl_div",
              "poisson_nll_loss", "cosine_embedding_loss", "triplet_margin_loss", "embedding_bag",
              "feature_alpha_dropout", "channel_shuffle", "gumbel_softmax")

globals().update(_FUNCTIONS)
globals().update(_ALIASES)
globals().update({name: getattr(nn.functional, name) for name in _ALSO_HERE
                  if name in nn.functional.__all__})

_INSTEAD = {
    "sparse": "dense tensors with index_add and embedding; sparse tensors are not supported",
    "distributed": "one process; distributed training is not supported",
    "multiprocessing": "Python's multiprocessing; DataLoader(num_workers=...) has its own workers",
    "hub": "tricord's own file readers; code from the network is not run",
    "onnx": "tricord.onnx",
    "profiler": "TRICORD_PROFILE=file",
    "quantization": "tricord.quantize",
    "_C": "public names; there is no C++ behind this face",
    "Storage": "tensors; storages are not objects here",
}

_OWN = ("annotations", "math", "SimpleNamespace", "by_name", "constructors",
        "creation", "devices", "dtypes", "functions", "grad_mode", "modes", "printing", "sampling")

__all__ = sorted(name for name in globals() if not name.startswith("_") and name not in _OWN)

__getattr__ = _unknown_name("torch", lambda: __all__, _INSTEAD)
