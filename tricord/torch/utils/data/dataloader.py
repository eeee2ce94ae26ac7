"""``torch.utils.data.dataloader``."""

from __future__ import annotations

from ....data import DataLoader, default_collate

__all__ = ["DataLoader", "default_collate"]
