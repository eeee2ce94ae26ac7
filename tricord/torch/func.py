"""``torch.func``: function transformations, over `tricord.tensor.transforms`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import ArgumentError, StateError, nearest
from ..tensor import Tensor, transforms
from ..tensor.trees import flatten, unflatten
from ._names import unknown_name
from .autograd import functional
from .functions import stack

__all__ = ["functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd",
           "jacrev", "jvp", "linearize", "stack_module_state", "vjp", "vmap"]


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function."""
    return transforms.grad(func, argnums, has_aux)


def grad_and_value(func: Callable[..., Any], argnums: Any = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient and the value."""
    both = transforms.value_and_grad(func, argnums, has_aux)

    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, gradient = both(*args, **kwargs)
        return gradient, value

    return wrapped


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0,
         randomness: str = "error", *, chunk_size: int | None = None) -> Callable[..., Any]:
    """A function of one example, applied to all examples of a batch."""
    if not isinstance(out_dims, int):
        raise ArgumentError(f"vmap: out_dims must be one number, got {out_dims!r}",
                            hint="move the axes of the results with movedim")
    return transforms.vmap(func, in_dims, out_dims)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value, and a function from a cotangent of it to those of the arguments."""
    if not has_aux:
        return transforms.vjp(func, *primals)
    kept: list[Any] = []

    def without(*args: Any) -> Any:
        value, aux = func(*args)
        kept[:] = [aux]
        return value

    value, pull = transforms.vjp(without, *primals)
    return value, pull, kept[0]



def jvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *,
        strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """The value, and its directional derivative."""
    if not has_aux:
        return transforms.jvp(func, primals, tangents)
    (value, aux), (tangent, _) = transforms.jvp(func, primals, tangents)
    return value, tangent, aux


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value, and a function from tangents to the tangent of the value."""
    return func(*primals), lambda *tangents: transforms.jvp(func, primals, tangents)[1]


def jacrev(func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False,
           chunk_size: int | None = None,
           _preallocate_and_copy: bool = False) -> Callable[..., Any]:
    """The Jacobian with respect to some arguments (each a tensor or nested tensors)."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        numbers = tuple(n % len(args) for n in numbers)
        leaves, structure = flatten([args[n] for n in numbers])
        outer: list[Any] = []

        def of_leaves(*values: Any) -> Any:
            filled = list(args)
            for n, v in zip(numbers, unflatten(structure, list(values)), strict=True):
                filled[n] = v
            result = func(*filled, **kwargs)
            if has_aux:
                result, aux = result
                outer[1:] = [aux]
            flat, shape = flatten(result)
            outer[:1] = [shape]
            return flat

        rows, _ = functional.matrices(of_leaves, tuple(leaves))
        nested = [unflatten(structure, row) for row in rows]
        chosen = [row[0] if isinstance(argnums, int) else tuple(row) for row in nested]
        found = unflatten(outer[0], chosen)
        return (found, outer[1]) if has_aux else found

    return wrapped


def jacfwd(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *,
           randomness: str = "error") -> Callable[..., Any]:
    """The Jacobian; computed as `jacrev` computes it."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The second derivatives of a scalar function."""
    return jacrev(jacrev(func, argnums), argnums)


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function itself: below the surface everything is functional."""
    return func


# ---- modules as functions

@contextmanager
def _swapped(module: Any, values: Mapping[str, Any], strict: bool) -> Iterator[None]:
    """The module with other tensors in the places that dotted names give."""
    known = dict(module.named_parameters(remove_duplicate=False)) | dict(
        module.named_buffers(remove_duplicate=False))
    before: list[tuple[dict[str, Any], str, Any]] = []
    missing = known.keys() - values.keys()
    if strict and missing:
        raise StateError(f"functional_call: Missing key(s): {', '.join(sorted(missing))}")
    try:
        for name, value in values.items():
            if name not in known:
                raise StateError(f"functional_call: {type(module).__name__} has no parameter or "
                                 f"buffer {name!r}", hint=nearest(name, known))
            path, _, leaf = name.rpartition(".")
            own = vars(module.get_submodule(path))
            before.append((own, leaf, own[leaf]))
            own[leaf] = value
        yield
    finally:
        for own, leaf, old in reversed(before):
            own[leaf] = old


def functional_call(module: Any, parameter_and_buffer_dicts: Any, args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True,
                    strict: bool = False) -> Any:
    """Call a module with other parameters and buffers than its own."""
    given = parameter_and_buffer_dicts
    if not isinstance(given, Mapping):
        given = {name: value for part in given for name, value in part.items()}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, given, strict):
        return module(*arguments, **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters and buffers of several equal modules, stacked, for `vmap`."""
    if not models:
        raise ArgumentError("stack_module_state: Expected at least one model, got 0.")
    parameters = {name: stack([dict(m.named_parameters())[name].detach() for m in models])
                  .requires_grad_(value.requires_grad)
                  for name, value in models[0].named_parameters()}
    buffers = {name: stack([dict(m.named_buffers())[name] for m in models])
               for name, _ in models[0].named_buffers()}
    return parameters, buffers


__getattr__ = unknown_name("torch.func", lambda: globals())
