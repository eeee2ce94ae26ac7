"""Whatever is passed, what comes back is an error of ours, or Python's own about the signature.

Every public function of the native interface and every public method of a tensor is called with
things that are of no use to it, in each of its places. Bare errors from inside (KeyError,
AttributeError, numpy's LinAlgError, ...) fail the test, and so do errors without words.
"""

import inspect
import re
import types

import numpy as np
import pytest

import tricord as tc

NAN = float("nan")
CREATED = {"no_grad", "gradients_enabled"}
FUNCTIONS = [(module.__name__, name) for module in (tc, tc.linalg, tc.fft)
             for name in sorted(module.__all__)
             if isinstance(getattr(module, name), types.FunctionType) and name not in CREATED]
#: What belongs to a protocol of Python or numpy answers as that protocol has it.
METHODS = [name for name in sorted(dir(tc.Tensor)) if not name.startswith("_") and callable(
    inspect.getattr_static(tc.Tensor, name))]
OPERATORS = ["__getitem__", "__setitem__", "__add__", "__matmul__", "__pow__", "__iadd__", "__eq__",
             "__lshift__", "__and__", "__rtruediv__", "__imatmul__", "__contains__"]
#: Python's own words about a call that the signature does not allow, or that is no function.
SIGNATURE = re.compile(r"unexpected keyword|missing \d+ required|positional argument"
                       r"|is not callable|multiple values|positional-only|takes (no|\d+|from|at)")
#: A sensible value for parameters that are no tensor; the others get a matrix.
SENSIBLE = {"shape": (2, 3), "axis": 0, "axes": (1, 0), "repeats": 2, "repetitions": (2, 2),
            "shift": 1, "source": 0, "destination": 1, "sizes": [1, 1], "widths": 1, "classes": 3,
            "q": 0.5, "k": 2, "dtype": tc.float32, "from_": tc.float32, "to": tc.float64,
            "kind": "numeric", "fill_value": 1.0, "start": 0, "stop": 3, "num": 3, "n_rows": 2,
            "n": 2, "size": 2, "first": 0, "second": 1, "equation": "ij->ji", "weight": 0.5,
            "type": tc.float32, "obj": [1.0, 2.0]}


def matrix():
    return tc.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class Nothing:
    """Of no use to anybody."""


def hostile():
    """Made anew each time: some are used up, and tensors may be written to."""
    return [None, Nothing(), Nothing, "text", b"x", [], {}, 10**30, -10**30, 2**40, -7, 7, NAN, 1.5,
            float("inf"), 1 + 2j, [[1], [2, 3]], ["a"], (1, 2, 3, 4, 5), (-1, -1), (10**12,),
            (2**40, 2**40), np.array(["a"]), np.array([Nothing()], object), np.float64(NAN),
            slice(None), Ellipsis, lambda *a: 1, iter([1]), {1, 2}, tc.float32, "(" * 5000,
            tc.asarray([True, False]), tc.asarray([[1, -5, 100]]), tc.zeros((2, 0, 3)),
            tc.asarray(1j), tc.ones((2, 2), dtype=tc.bfloat16), tc.full((3, 3), NAN)]


def look_at(result, depth=0):
    if isinstance(result, tc.Tensor):
        np.asarray(result)
    elif isinstance(result, (tuple, list)) and depth < 2:
        for item in result[:3]:
            look_at(item, depth + 1)


def complaint(call, *args, **kwargs):
    """What is wrong with how a call fails; None if it works, or fails as it should."""
    try:
        look_at(call(*args, **kwargs))
    except tc.errors.VerifierError as error:
        return f"a bug of ours: {error}"
    except tc.TricordError as error:
        return None if error.message.strip() else "an error without words"
    except TypeError as error:
        return None if SIGNATURE.search(str(error)) else f"TypeError: {error}"
    except Exception as error:  # noqa: BLE001 - that is the question
        return f"{type(error).__name__}: {error}"
    return None


def sensible(parameter):
    return SENSIBLE.get(parameter.name, matrix())


def calls(parameters):
    """Arguments with one of them hostile, for each parameter and each hostile value."""
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in placed if p.default is p.empty]
    count = len(hostile())
    for number in range(count):
        for place, parameter in enumerate(placed):
            args = [sensible(p) for p in (needed if place < len(needed) else placed[:place + 1])]
            args[place] = hostile()[number]
            yield f"{parameter.name}: {number}", args, {}
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY:
                yield (f"{parameter.name}: {number}", [sensible(p) for p in needed],
                       {parameter.name: hostile()[number]})
            elif parameter.kind is parameter.VAR_POSITIONAL:
                args = [*(sensible(p) for p in needed), hostile()[number]]
                yield f"*{parameter.name}: {number}", args, {}
    yield "nothing", [], {}
    yield "too much", [1] * 40, {}
    yield "an unknown keyword", [sensible(p) for p in needed], {"no_such_keyword": 1}


def complaints(function, parameters):
    found = []
    for what, args, kwargs in calls(parameters):
        said = complaint(function, *args, **kwargs)
        if said is not None:
            found.append(f"{what} -> {said[:200]}")
    return found


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_functions_refuse_with_words(module, name):
    function = getattr({"tricord": tc, "tricord.linalg": tc.linalg, "tricord.fft": tc.fft}[module],
                       name)
    assert not complaints(function, list(inspect.signature(function).parameters.values()))


@pytest.mark.parametrize("name", [*METHODS, *OPERATORS])
def test_methods_refuse_with_words(name):
    method = getattr(tc.Tensor, name)

    def on_a_fresh_tensor(*args, **kwargs):
        return method(matrix(), *args, **kwargs)

    parameters = list(inspect.signature(method).parameters.values())[1:]
    assert not complaints(on_a_fresh_tensor, parameters)


TENSORS = {"0-d": lambda: tc.asarray(1.5), "empty": lambda: tc.zeros((0, 3)),
           "bool": lambda: tc.asarray([True, False]), "int": lambda: tc.asarray([[1, 2], [3, 4]]),
           "complex": lambda: tc.asarray([[1j, 2], [3, 4]]),
           "bfloat16": lambda: tc.ones((2, 2), dtype=tc.bfloat16),
           "three axes": lambda: tc.ones((2, 3, 4)), "NaN": lambda: tc.full((2, 2), NAN)}


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_of_every_kind_are_taken_or_refused(kind):
    found = []
    for module, name in FUNCTIONS:
        owner = {"tricord": tc, "tricord.linalg": tc.linalg, "tricord.fft": tc.fft}[module]
        function = getattr(owner, name)
        needed = [p for p in inspect.signature(function).parameters.values()
                  if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
        args = [SENSIBLE.get(p.name, TENSORS[kind]()) for p in needed]
        said = complaint(function, *args)
        found += [f"{name}: {said}"] if said else []
    for name in METHODS:
        said = complaint(getattr(tc.Tensor, name), TENSORS[kind]())
        found += [f"Tensor.{name}: {said}"] if said else []
    assert not found
