"""``tf.saved_model``: refused; it holds a program, which tricord does not run from a file."""

from __future__ import annotations

from ._names import public_names, refusal, unknown_name

_INSTEAD = ("model.save('model.keras'), or tf.train.Checkpoint for the variables of a tf.Module")
save, load, contains_saved_model = (refusal(f"tf.saved_model.{name}", _INSTEAD)
                                    for name in ("save", "load", "contains_saved_model"))

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
