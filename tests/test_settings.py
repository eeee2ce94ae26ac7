"""The settings table: what it refuses, how it is overridden, and that its page is true."""

import threading
from dataclasses import fields

import pytest

from tests.conftest import ROOT
from tricord import settings
from tricord.errors import SettingError


def test_the_documentation_page_is_the_table(golden):
    golden("settings.md", settings.describe(), folder=ROOT / "docs")


def test_each_setting_is_described_on_a_line_of_its_own():
    lines = settings.describe().splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == [
        f"TRICORD_{setting.name.upper()}" for setting in fields(settings.Settings)]


def test_an_empty_environment_gives_the_defaults():
    assert settings.from_environment({}) == settings.Settings()
    assert settings.Settings().check == 0


def test_values_are_read_with_their_type(tmp_path):
    read = settings.from_environment(
        {"TRICORD_CHECK": "2", "TRICORD_DATA": str(tmp_path), "HOME": "elsewhere"})
    assert (read.check, read.data) == (2, tmp_path)


@pytest.mark.parametrize(("variable", "text", "legal"), [
    ("TRICORD_CHECK", "3", "0 to 2"),
    ("TRICORD_CHECK", "-1", "0 to 2"),
    ("TRICORD_CHECK", "", "0 to 2"),
    ("TRICORD_DEBUG", "yes", "0 to 4"),
    ("TRICORD_NODE_BUDGET", "1", "16 to"),
])
def test_a_bad_value_is_refused_with_the_legal_ones(variable, text, legal):
    with pytest.raises(SettingError, match=legal) as caught:
        settings.from_environment({variable: text})
    assert f"{variable}={text!r}" in str(caught.value)


def test_a_bad_choice_is_refused_with_all_the_choices():
    with pytest.raises(SettingError, match="numpy or null"):
        settings.from_environment({"TRICORD_DEVICE": "gpu"})


def test_an_unknown_variable_is_refused_with_the_nearest_one():
    with pytest.raises(SettingError, match="TRICORD_CHEK is not a setting") as caught:
        settings.from_environment({"TRICORD_CHEK": "1"})
    assert "did you mean 'TRICORD_CHECK'?" in str(caught.value)


def test_an_unknown_name_in_override_is_refused_with_the_nearest_one():
    with (pytest.raises(SettingError, match="'chek' is not a setting") as caught,
          settings.override(chek=1)):
        pass
    assert "did you mean 'check'?" in str(caught.value)


def test_override_nests_and_restores():
    outside = settings.get()
    with settings.override(debug=1):
        with settings.override(check=2) as inner:
            assert (inner.debug, inner.check) == (1, 2)
            assert settings.get() is inner
        assert (settings.get().debug, settings.get().check) == (1, outside.check)
    assert settings.get() == outside


def test_override_restores_after_an_exception():
    outside = settings.get()
    with pytest.raises(KeyError), settings.override(debug=3):
        raise KeyError
    assert settings.get() == outside


def test_override_is_seen_by_its_own_thread_only():
    seen = []
    with settings.override(debug=4):
        thread = threading.Thread(target=lambda: seen.append(settings.get().debug))
        thread.start()
        thread.join()
        assert settings.get().debug == 4
    assert seen == [settings.from_environment().debug]
