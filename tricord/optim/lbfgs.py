"""Limited-memory BFGS.

Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4 and 7.5. Works on all
parameters as one vector, on the Python side: for problems of moderate size whose loss can be
evaluated often. Known weakness: it wants the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..tensor.handle import Handle
from ..tensor.recorder import recording_gradients, value_of, wrap
from ..tensor.views import replace
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, check_rate

__all__ = ["LBFGS"]

Array = np.ndarray[Any, Any]


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last ``history_size`` changes of the gradient.

    ``step(closure)`` makes up to ``max_iter`` of them, calling the closure up to ``max_eval``
    times. It ends early where the largest gradient is below ``tolerance_grad`` or nothing changes
    by more than ``tolerance_change``. ``line_search_fn`` is None or "strong_wolfe".
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1, max_iter: int = 20,
                 max_eval: int | None = None, tolerance_grad: float = 1e-7,
                 tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None):
        check_rate(lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ArgumentError("only 'strong_wolfe' is supported as line_search_fn, got "
                                f"{line_search_fn!r}")
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # ---- all parameters as one vector

    def _values(self) -> list[Array]:
        return [value_of(p) for p in self._params]

    def _gradient(self) -> Array:
        return np.concatenate([
            np.zeros(p._type.size, p.dtype.numpy) if p._grad is None
            else np.asarray(value_of(p._grad)).ravel() for p in self._params])

    def _place(self, origin: list[Array], t: float, direction: Array) -> None:
        """Parameters at ``origin + t * direction``."""
        at = 0
        with recording_gradients(False):
            for p, value in zip(self._params, origin, strict=True):
                part = direction[at:at + value.size].reshape(value.shape)
                replace(p, wrap(np.asarray(value + np.asarray(t, value.dtype) * part, value.dtype)))
                at += value.size

    # ---- stepping

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise; returns the loss of the first evaluation."""
        if closure is None:
            raise DTypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        group, memory = self.param_groups[0], self._state[self._params[0]]
        memory.setdefault("func_evals", 0)
        memory.setdefault("n_iter", 0)

        def evaluate() -> tuple[Any, float, Array]:
            with recording_gradients(True):
                loss = closure()
            return loss, float(loss), self._gradient()

        first, loss, grad = evaluate()
        memory["func_evals"] += 1
        if np.abs(grad).max() <= group["tolerance_grad"]:
            return first
        run = _Memory(memory)
        evaluations = 1
        for iteration in range(1, group["max_iter"] + 1):
            memory["n_iter"] += 1
            direction = run.direction(grad, memory["n_iter"] == 1, group["history_size"])
            run.previous, before = grad, loss
            lr = float(group["lr"])
            run.t = min(1.0, 1.0 / float(np.abs(grad).sum())) * lr if memory["n_iter"] == 1 else lr
            slope = float(grad @ direction)
            if slope > -group["tolerance_change"]:
                break
            origin, calls = self._values(), 0
            if group["line_search_fn"] is not None:
                loss, grad, calls = self._search(evaluate, origin, run, loss, grad, slope)
            else:
                self._place(origin, run.t, direction)
                if iteration != group["max_iter"]:
                    _, loss, grad = evaluate()
                    calls = 1
            evaluations += calls
            memory["func_evals"] += calls
            if (evaluations >= group["max_eval"]
                    or np.abs(grad).max() <= group["tolerance_grad"]
                    or np.abs(direction * run.t).max() <= group["tolerance_change"]
                    or abs(loss - before) < group["tolerance_change"]):
                break
        run.keep(memory, before)
        return first

    def _search(self, evaluate: Callable[[], tuple[Any, float, Array]], origin: list[Array],
                run: _Memory, loss: float, grad: Array, slope: float) -> tuple[float, Array, int]:
        direction = run.d
        assert direction is not None

        def at(t: float) -> Point:
            self._place(origin, t, direction)
            _, value, gradient = evaluate()
            return Point(t, value, gradient, float(gradient @ direction))

        found, calls = strong_wolfe(at, Point(0.0, loss, grad, slope), run.t,
                                    float(np.abs(direction).max()), 1e-9)
        run.t = found.t
        self._place(origin, found.t, direction)
        return found.loss, found.grad, calls


class _Memory:
    """The curvature seen so far, kept in the optimizer's state between steps."""

    def __init__(self, saved: dict[str, Any]):
        def array(name: str) -> Any:
            value = saved.get(name)
            return value_of(value) if isinstance(value, Handle) else value

        self.d: Array | None = array("d")
        self.t: float = saved.get("t") or 0.0
        self.changes = [np.asarray(value_of(h)) for h in saved.get("old_dirs") or ()]
        self.steps = [np.asarray(value_of(h)) for h in saved.get("old_stps") or ()]
        self.inverse = [float(r) for r in saved.get("ro") or ()]
        self.scale = float(saved.get("H_diag") or 1.0)
        self.previous: Array | None = array("prev_flat_grad")

    def direction(self, grad: Array, first: bool, most: int) -> Array:
        """Where to go: minus the inverse Hessian's estimate times the gradient."""
        if first or self.d is None or self.previous is None:
            self.changes, self.steps, self.inverse, self.scale = [], [], [], 1.0
            self.d = -grad
            return self.d
        change, step = grad - self.previous, self.d * np.asarray(self.t, grad.dtype)
        curvature = float(change @ step)
        if curvature > 1e-10:
            if len(self.changes) == most:
                del self.changes[0], self.steps[0], self.inverse[0]
            self.changes.append(change)
            self.steps.append(step)
            self.inverse.append(1.0 / curvature)
            self.scale = curvature / float(change @ change)
        q: Array = -grad
        weights = [0.0] * len(self.changes)
        for i in reversed(range(len(self.changes))):
            weights[i] = float(self.steps[i] @ q) * self.inverse[i]
            q = q - np.asarray(weights[i], q.dtype) * self.changes[i]
        q = q * np.asarray(self.scale, q.dtype)
        for i in range(len(self.changes)):
            back = float(self.changes[i] @ q) * self.inverse[i]
            q = q + np.asarray(weights[i] - back, q.dtype) * self.steps[i]
        self.d = q
        return q

    def keep(self, saved: dict[str, Any], loss: float) -> None:
        saved.update(d=wrap(self.d), t=self.t, old_dirs=[wrap(c) for c in self.changes],  # type: ignore[arg-type]
                     old_stps=[wrap(s) for s in self.steps], ro=list(self.inverse),
                     H_diag=self.scale, prev_flat_grad=wrap(self.previous), prev_loss=loss)  # type: ignore[arg-type]
