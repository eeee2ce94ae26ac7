"""What the scripts need of torchvision, over the real torch, to make the goldens.

torchvision's own wheel is built against another torch than the CPU one and does not load beside it.
"""

from . import datasets, transforms

__all__ = ["datasets", "transforms"]
