"""The standard's functions are compared with numpy's down to the smallest numbers."""

from __future__ import annotations

import pytest

from tricord import settings


@pytest.fixture(autouse=True)
def small_numbers_are_kept():
    with settings.override(denormals="keep"):
        yield
