"""What makes a function of this face work eagerly, in a graph and in a session alike.

A public function is written once, on eager tensors, and marked with `op`. Called where a graph is
being built, or with symbolic tensors, it is not run: the graph notes the function and its
arguments, and a session runs it later with values in the places of the symbolic tensors. No
function knows about that; there is this one mechanism for all.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from ._names import explained

__all__ = ["Spec", "modes", "op"]


class Spec:
    """What a graph has to know about a function.

    ``probe``: stands in for the function when only types are asked for.
    ``random``: draws from the default generator, so equal calls differ.
    ``host``: does something in Python (prints, calls back), so it must run each time.
    ``blocks_gradient``: no gradient flows through it.
    """

    __slots__ = ("blocks_gradient", "function", "host", "name", "probe", "random")

    def __init__(self, function: Callable[..., Any], name: str,
                 probe: Callable[..., Any] | None = None, random: bool = False,
                 host: bool = False, blocks_gradient: bool = False):
        self.function = function
        self.name = name
        self.probe = probe
        self.random = random
        self.host = host
        self.blocks_gradient = blocks_gradient


class Modes(threading.local):
    """What this thread is doing; no two threads share any of it."""

    def __init__(self) -> None:
        #: default graphs, the innermost last
        self.graphs: list[Any] = []
        #: the graph that is built where none was named
        self.root_graph: Any = None
        #: default sessions, the innermost last
        self.sessions: list[Any] = []
        #: what computes values in the places of symbolic tensors, while a session runs
        self.run: Any = None
        #: whether there may be symbolic tensors in this thread
        self.lifting = False
        #: TensorFlow 1: everything outside of a session builds the graph
        self.eager = True
        #: whether what `tf.function` makes is never replayed
        self.eager_functions = False
        #: tapes that are recording, the innermost last
        self.tapes: list[Any] = []


modes = Modes()

#: set by `graph`: what to do with a call that may concern a graph
lifters: list[Callable[[Spec, tuple[Any, ...], dict[str, Any], str | None], Any]] = []


def op(function: Callable[..., Any] | None = None, *, name: str | None = None,
       probe: Callable[..., Any] | None = None, random: bool = False, host: bool = False,
       blocks_gradient: bool = False) -> Any:
    """Mark a function on eager tensors as one that graphs may hold. It also takes ``name``."""
    if function is None:
        return functools.partial(op, name=name, probe=probe, random=random, host=host,
                                 blocks_gradient=blocks_gradient)
    spec = Spec(function, name or function.__name__.strip("_"), probe, random, host,
                blocks_gradient)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = kwargs.pop("name", None) if kwargs else None
        try:
            if modes.lifting:
                return lifters[0](spec, args, kwargs, given)
            return function(*args, **kwargs)
        except TypeError as error:
            better = explained(error, function.__name__, function, kwargs)
            if better is None:
                raise
            raise better from None

    call.spec = spec  # type: ignore[attr-defined]
    call.__module__ = "tensorflow"
    return call
