"""``tf.compat.v1.train``."""

# ruff: noqa: F401 - what is imported here is what the namespace holds

from __future__ import annotations

from ... import graph_train
from ..._names import public_names, refusal, unknown_name
from ...saver import (
    Checkpoint,
    CheckpointManager,
    Saver,
    checkpoint_exists,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)

globals().update({name: getattr(graph_train, name) for name in graph_train.__all__})

NewCheckpointReader = load_checkpoint
import_meta_graph = refusal("tf.train.import_meta_graph",
                            "build the graph in Python and restore with tf.compat.v1.train.Saver")
MonitoredTrainingSession = refusal("tf.train.MonitoredTrainingSession",
                                   "tf.compat.v1.Session and tf.compat.v1.train.Saver")
Coordinator = refusal("tf.train.Coordinator", "tf.data.Dataset")
start_queue_runners = refusal("tf.train.start_queue_runners", "tf.data.Dataset")
batch = shuffle_batch = refusal("tf.train.batch", "tf.data.Dataset.batch")
write_graph = refusal("tf.train.write_graph", "the program itself describes the graph")

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
