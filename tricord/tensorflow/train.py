"""``tf.train``: checkpoints."""

from __future__ import annotations

from ._names import public_names, refusal, unknown_name
from .saver import (
    Checkpoint,
    CheckpointManager,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)

__all__ = ["Checkpoint", "CheckpointManager", "get_checkpoint_state", "latest_checkpoint",
           "list_variables", "load_checkpoint", "load_variable"]

Example = Feature = Features = refusal(
    "tf.train.Example", "numpy files, and tf.data.Dataset.from_tensor_slices")
Coordinator = refusal("tf.train.Coordinator", "tf.data.Dataset")

__getattr__ = unknown_name(__name__, lambda: public_names(globals()), {
    name: f"tf.compat.v1.train.{name}, or tf.keras.optimizers" for name in (
        "AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer", "RMSPropOptimizer",
        "AdagradOptimizer", "Saver")})
