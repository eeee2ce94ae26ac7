"""Dtype policies under their old name."""

from __future__ import annotations

from typing import Any

from .config import dtype_policy, set_dtype_policy
from .dtype_policies import DTypePolicy, get

__all__ = ["DTypePolicy", "Policy", "dtype_policy", "global_policy", "set_dtype_policy",
           "set_global_policy"]

Policy = DTypePolicy


def global_policy() -> DTypePolicy:
    """The policy of new layers."""
    return DTypePolicy(dtype_policy())


def set_global_policy(policy: Any) -> None:
    """Set the policy of new layers."""
    set_dtype_policy(get(policy))


set_policy = set_global_policy
