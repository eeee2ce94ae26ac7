"""The blood-cell images and their boxes."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.data.blood_cells import BloodCells
from tricord.errors import ArgumentError


@pytest.fixture(scope="module")
def cells(data_folder):
    pytest.importorskip("PIL")
    if not (data_folder / "bccd.tar.gz").exists():
        pytest.skip("bccd.tar.gz is not in the data folder")
    from tricord import settings
    with settings.override(data=data_folder):
        return {split: BloodCells(split) for split in ("train", "val", "test")}


def test_every_image_has_boxes_inside_it(cells):
    assert sum(len(part) for part in cells.values()) == 364
    assert len({name for part in cells.values() for name in part.names}) == 364
    image, target = cells["train"][0]
    assert image.shape == (480, 640, 3) and image.dtype == np.uint8
    assert target["boxes"].dtype == np.float32 and target["labels"].dtype == np.int64
    for part in cells.values():
        for i in range(len(part)):
            boxes, labels = part._targets[i]["boxes"], part._targets[i]["labels"]
            assert len(boxes) == len(labels) and set(labels) <= {0, 1, 2}
            assert (boxes[:, :2] <= boxes[:, 2:]).all()
            assert boxes.min(initial=0) >= 0 and (boxes <= [640, 480, 640, 480]).all()


def test_a_transform_sees_image_and_target(cells):
    part = cells["val"]
    part.transform = lambda image, target: (image[::2], len(target["boxes"]))
    image, count = part[0]
    part.transform = None
    assert image.shape == (240, 640, 3) and count > 0


def test_an_unknown_split_is_refused():
    with pytest.raises(ArgumentError, match="split 'tests'") as got:
        BloodCells("tests")
    assert got.value.hint == "did you mean 'test'?"
