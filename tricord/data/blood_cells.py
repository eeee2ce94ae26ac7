"""BCCD: photographs of blood with a box around each cell, for object detection."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError, nearest
from .dataset import Dataset
from .sources import read_source

__all__ = ["BloodCells"]

_SPLITS = ("train", "val", "trainval", "test")


class BloodCells(Dataset):
    """364 images of 640 x 480 pixels: ``split`` is train, val, trainval or test.

    A sample is ``(image, target)``: the image uint8 (height, width, 3); the target a dict with
    ``boxes``, float32 (n, 4) as x1, y1, x2, y2 in pixels, and ``labels``, int64 (n,), which index
    ``classes``. ``transform(image, target)`` may change both. Images have different numbers of
    boxes: give the loader a ``collate_fn``.

    Raises:  NotSupportedError if Pillow is not installed, DownloadError if the file is not at hand
    """

    classes = ("RBC", "WBC", "Platelets")

    def __init__(self, split: str = "train",
                 transform: Callable[[np.ndarray, dict], tuple] | None = None):
        if split not in _SPLITS:
            raise ArgumentError(f"BloodCells: split {split!r}, expected one of "
                                f"{', '.join(_SPLITS)}", hint=nearest(split, _SPLITS))
        if find_spec("PIL") is None:
            raise NotSupportedError("BloodCells: the images are JPEG, which needs Pillow",
                                    hint="pip install tricord[vision]")
        self.transform = transform
        # Unpacked first: in a compressed archive every step back starts from the beginning.
        unpacked = gzip.decompress(read_source("bccd.tar.gz"))
        # tarfile, ElementTree and Pillow are imported when needed: `import tricord` is to be quick.
        with import_module("tarfile").open(fileobj=io.BytesIO(unpacked)) as archive:
            def content(name: str) -> bytes:
                file = archive.extractfile(f"BCCD/{name}")
                assert file is not None  # the archive's hash is known
                return file.read()

            self.names = content(f"ImageSets/Main/{split}.txt").decode("ascii").split()
            self._images = [content(f"JPEGImages/{name}.jpg") for name in self.names]
            self._targets = [self._target(content(f"Annotations/{name}.xml"))
                             for name in self.names]

    def _target(self, annotation: bytes) -> dict[str, np.ndarray]:
        objects = import_module("xml.etree.ElementTree").fromstring(annotation).findall("object")
        boxes = [[float(found.findtext(f"bndbox/{corner}", "nan"))
                  for corner in ("xmin", "ymin", "xmax", "ymax")] for found in objects]
        labels = [self.classes.index(found.findtext("name", "")) for found in objects]
        return {"boxes": np.array(boxes, np.float32).reshape(-1, 4),
                "labels": np.array(labels, np.int64)}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Any:
        with import_module("PIL.Image").open(io.BytesIO(self._images[index])) as picture:
            image = np.asarray(picture.convert("RGB"))
        target = {name: values.copy() for name, values in self._targets[index].items()}
        return self.transform(image, target) if self.transform else (image, target)
