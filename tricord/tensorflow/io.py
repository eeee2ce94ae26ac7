"""``tf.io``: refused; Python and numpy read files."""

from __future__ import annotations

from types import SimpleNamespace

from ._names import public_names, refusal, unknown_name

(read_file, decode_csv, decode_raw, parse_single_example, parse_example, TFRecordWriter) = (
    refusal(f"tf.io.{name}", "open(), numpy.load, numpy.loadtxt, csv") for name in (
        "read_file", "decode_csv", "decode_raw", "parse_single_example", "parse_example",
        "TFRecordWriter"))
(decode_jpeg, decode_png, decode_image) = (
    refusal(f"tf.io.{name}", "numpy.asarray(PIL.Image.open(path))")
    for name in ("decode_jpeg", "decode_png", "decode_image"))
gfile = SimpleNamespace(**{name: refusal(f"tf.io.gfile.{name}", "os, shutil and open()")
                           for name in ("GFile", "exists", "glob", "listdir", "makedirs", "copy",
                                        "remove", "rmtree", "isdir", "mkdir")})

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
