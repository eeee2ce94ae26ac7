"""``tf.test``: what scripts ask about the machine."""

from __future__ import annotations

import unittest


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: object = None) -> bool:
    return False


def is_built_with_cuda() -> bool:
    return False


is_built_with_gpu_support = is_built_with_rocm = is_built_with_cuda


def gpu_device_name() -> str:
    return ""


class TestCase(unittest.TestCase):
    """Python's own."""

    __test__ = False
