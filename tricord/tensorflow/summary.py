"""``tf.summary``: refused, clearly."""

from __future__ import annotations

from ._names import public_names, refusal, unknown_name

_INSTEAD = "keep the values in a list, or log them with the logging of your choice"
(scalar, histogram, image, audio, text, create_file_writer, trace_on, trace_export, flush,
 record_if) = (refusal(f"tf.summary.{name}", _INSTEAD) for name in (
     "scalar", "histogram", "image", "audio", "text", "create_file_writer", "trace_on",
     "trace_export", "flush", "record_if"))

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
