"""``tf.compat.v1.summary``: refused, clearly."""

from __future__ import annotations

from ..._names import public_names, refusal, unknown_name

_INSTEAD = "print the values, or log them with the logging of your choice"
(scalar, histogram, image, audio, text, merge, merge_all, FileWriter, tensor_summary) = (
    refusal(f"tf.summary.{name}", _INSTEAD) for name in (
        "scalar", "histogram", "image", "audio", "text", "merge", "merge_all", "FileWriter",
        "tensor_summary"))

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
