"""Every name of the standard is there, with the standard's parameters and defaults."""

import inspect

import pytest

import tricord as tc

strict = pytest.importorskip("array_api_strict", reason="pip install array-api-strict")

KEYWORD, EITHER = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
ITS_OWN = {"Device", "ArrayAPIStrictFlags", "ModuleType", "get_array_api_strict_flags",
           "set_array_api_strict_flags", "reset_array_api_strict_flags", "annotations"}
NAMESPACES = {"": (strict, tc), "linalg": (strict.linalg, tc.linalg), "fft": (strict.fft, tc.fft)}


def public(module) -> list[str]:
    return [n for n in getattr(module, "__all__", dir(module))
            if not n.startswith("_") and n not in ITS_OWN]


NAMES = [(extension, name) for extension, (theirs, _) in NAMESPACES.items()
         for name in public(theirs) if name not in ("linalg", "fft")]
FUNCTIONS = [(e, n) for e, n in NAMES if inspect.isfunction(getattr(NAMESPACES[e][0], n))]


@pytest.mark.parametrize(("extension", "name"), NAMES)
def test_the_name_is_there(extension, name):
    assert hasattr(NAMESPACES[extension][1], name)


@pytest.mark.parametrize(("extension", "name"), FUNCTIONS)
def test_the_parameters_are_the_standards(extension, name):
    theirs, ours = (inspect.signature(getattr(m, name)).parameters for m in NAMESPACES[extension])
    for place, wanted in enumerate(theirs.values()):
        if wanted.kind in (KEYWORD, EITHER):
            assert wanted.name in ours
            found = ours[wanted.name]
            assert found.kind in (wanted.kind, EITHER)
            if name != "expand_dims" and "UNDEF" not in str(wanted.default):
                assert found.default == wanted.default
        else:
            found = list(ours.values())[place]
            assert found.kind in (wanted.kind, EITHER), found


def test_expand_dims_has_the_default_of_2024():
    assert inspect.signature(tc.expand_dims).parameters["axis"].default == 0


def test_a_tensor_has_every_attribute_of_an_array():
    own = {"__buffer__", "__slots__"}  # of that implementation
    wanted = [n for n in dir(type(strict.asarray(1)))
              if (not n.startswith("_") or n.startswith("__")) and n not in own]
    assert [n for n in wanted if not hasattr(tc.Tensor, n)] == []


def test_every_public_function_says_what_it_does():
    named = {n: getattr(tc, n) for n in tc.__all__}
    assert [n for n, f in named.items() if callable(f) and not inspect.getdoc(f)] == []
