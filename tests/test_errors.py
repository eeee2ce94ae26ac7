"""The exception tree: that it is what its docstring draws, and how a message is laid out."""

import builtins
import inspect
import pickle
import re

import pytest

from tricord import errors
from tricord.errors import ArgumentError, TricordError, nearest

_ROW = re.compile(
    r"^    (?P<lines>[|` -]*)(?P<name>\w+)[ ]*(\((?P<builtins>[\w, ]+)\))?(  .*)?$")


def drawn_tree() -> dict[str, tuple[str, ...]]:
    """Each class in the module's docstring with the names of its bases, as drawn."""
    picture = errors.__doc__.split("::\n\n")[1].split("\n\n")[0]
    bases: dict[str, tuple[str, ...]] = {}
    parents: dict[int, str] = {}
    for line in picture.splitlines():
        row = _ROW.match(line)
        assert row, f"cannot read this row of the tree: {line!r}"
        depth = len(row["lines"]) // 4
        parents[depth] = row["name"]
        above = (parents[depth - 1],) if depth else ("Exception",)
        bases[row["name"]] = above + tuple(re.findall(r"\w+", row["builtins"] or ""))
    return bases


DRAWN = drawn_tree()
EXCEPTIONS = {name: member for name, member in vars(errors).items()
              if inspect.isclass(member) and issubclass(member, BaseException)}


def test_the_tree_draws_every_class():
    assert sorted(DRAWN) == sorted(EXCEPTIONS)


@pytest.mark.parametrize("name", DRAWN)
def test_a_class_has_the_bases_that_are_drawn(name):
    assert tuple(base.__name__ for base in EXCEPTIONS[name].__bases__) == DRAWN[name]


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_a_class_can_be_raised_and_caught_as_each_of_its_bases(name):
    for base in DRAWN[name]:
        with pytest.raises(getattr(builtins, base, None) or getattr(errors, base), match="words"):
            raise EXCEPTIONS[name]("words", hint="a way out")


def test_every_public_name_is_exported():
    defined = {name for name, member in vars(errors).items()
               if getattr(member, "__module__", None) == errors.__name__
               and not name.startswith("_")}
    assert errors.__all__ == sorted(defined)


def test_a_message_alone_is_one_line():
    assert str(TricordError("matmul: inner sizes differ")) == "matmul: inner sizes differ"


def test_the_line_comes_before_the_hint():
    error = ArgumentError("adam: no keyword 'lrr'", hint="did you mean 'lr'?", where="train.py:7")
    assert str(error).splitlines() == [
        "adam: no keyword 'lrr'", "  recorded at  train.py:7", "  hint: did you mean 'lr'?"]
    assert (error.message, error.hint, error.where) == (
        "adam: no keyword 'lrr'", "did you mean 'lr'?", "train.py:7")


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_an_error_survives_the_way_out_of_a_process(name):
    error = EXCEPTIONS[name]("words", hint="a way out", where="train.py:7")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_nearest_name_is_offered_only_when_it_is_near():
    assert nearest("learning_rat", ["learning_rate", "momentum"]) == (
        "did you mean 'learning_rate'?")
    assert nearest("qqqq", ["learning_rate", "momentum"]) is None
    assert nearest("x", []) is None
