"""Functions beyond the tables of tests/face_oracles, against the real PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.face_oracles.cases import (
    Case,
    bools,
    distinct,
    integers,
    names,
    normal,
    positive,
    spd,
    uniform,
)
from tests.face_oracles.harness import check_torch_case
from tricord import torch as face

pytestmark = [pytest.mark.peers("torch"), pytest.mark.filterwarnings("default")]

SPECIAL = [
    Case("gcd lcm", lambda t, x, y: (t.gcd(x, y), t.lcm(x, y)), integers(-50, 50, 20),
         integers(0, 30, 20), gradients=False),
    Case("entr", lambda t, x: t.special.entr(x), positive(5)),
    Case("entr at zero and below", lambda t: t.special.entr(t.tensor([0.0, -1.0, 1.0]))),
    Case("ndtr", lambda t, x: (t.special.ndtr(x), t.special.log_ndtr(x)), normal(6)),
    Case("log_ndtr far out", lambda t: t.special.log_ndtr(
        t.tensor([-300.0, -30.0, -5.0, -4.0, -1.0, 0.0, 6.0, 40.0]))),
    Case("ndtri", lambda t, x: t.special.ndtri(x), uniform(0.05, 0.95, 6), rtol=1e-4),
    Case("xlog1py", lambda t, x, y: t.special.xlog1py(x, y), positive(4), positive(4)),
    Case("multigammaln", lambda t, x: t.mvlgamma(x, 3), uniform(2, 5, 4), rtol=1e-4),
    Case("i0", lambda t, x: t.i0(x), uniform(-9, 9, 12), gradients=False, rtol=1e-4),
    Case("polygamma", lambda t, x: (t.polygamma(1, x), x.polygamma(0)), uniform(0.3, 6, 5),
         gradients=False, rtol=1e-4),
    Case("trapezoid", lambda t, y, x: (t.trapezoid(y, x), t.trapezoid(y, dx=0.5, dim=0),
                                       t.cumulative_trapezoid(y, x)), normal(3, 5), normal(5)),
    Case("vander", lambda t, x: (t.vander(x), t.linalg.vander(x, N=2)), distinct(4),
         gradients=False, rtol=1e-4),
    Case("polar", lambda t, r, a: t.polar(r, a).real, positive(4), normal(4)),
    Case("windows", lambda t: (t.hann_window(7), t.hamming_window(6, periodic=False),
                               t.blackman_window(5), t.bartlett_window(6)), atol=1e-6),
    Case("frexp", lambda t, x: t.frexp(x), normal(5), gradients=False),
    Case("deg2rad of integers", lambda t: t.deg2rad(t.tensor([180, 90]))),
]

PLACES = [
    Case("scatter_reduce of every kind", lambda t, x, i, s: [
        x.scatter_reduce(0, i, s, reduce=kind, include_self=own)
        for kind in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)],
        distinct(5), integers(0, 5, 7), normal(7), gradients=False),
    Case("scatter_reduce of integers", lambda t, x, i, s: [
        x.scatter_reduce(0, i, s, reduce=kind, include_self=False) for kind in ("amax", "mean")],
        integers(-9, 9, 5), integers(0, 5, 7), integers(-9, 9, 7), gradients=False),
    Case("scatter with a smaller index", lambda t, x, i, s: (
        x.scatter(0, i, s), x.scatter_add(1, i, s), x.gather(0, i)), normal(4, 5),
        np.array([[0, 2, 1], [3, 0, 2]]), normal(2, 3)),
    Case("scatter multiply", lambda t, x, i, s: x.scatter(0, i, s, reduce="multiply"), normal(3, 3),
         np.array([[0, 1, 2]]), normal(1, 3), gradients=False),
    Case("index_put accumulates", lambda t, x, i, v: [
        y := x * 1, y.index_put_((i,), v, accumulate=True), y][1:], normal(4, 3),
        integers(0, 4, 6), normal(6, 3)),
    Case("index_put in two axes", lambda t, x, i, j, v: x.index_put((i, j), v), normal(4, 3),
         np.array([0, 2]), np.array([1, 2]), normal(2)),
    Case("put_", lambda t, x, i, v: (x * 1).put_(i, v), normal(3, 3), np.array([0, 4]), normal(2)),
    Case("select_scatter slice_scatter", lambda t, x, v: (
        x.select_scatter(v[0], 0, 1), x.slice_scatter(v, 0, 0, 2)), normal(3, 4), normal(2, 4)),
    Case("masked_scatter in place", lambda t, x, m, s: (x * 1).masked_scatter_(m, s), normal(3, 4),
         bools(3, 4), normal(12)),
    Case("take_along_dim broadcasts", lambda t, x, i: t.take_along_dim(x, i, 1), normal(3, 4),
         integers(0, 4, 1, 2)),
    Case("unravel_index", lambda t, i: t.unravel_index(i, (3, 4)), integers(0, 12, 5)),
    Case("as_strided", lambda t, x: x.as_strided((2, 3), (1, 2)), normal(9)),
    Case("diagflat", lambda t, x: (t.diagflat(x), t.diagflat(x, 1)), normal(2, 2)),
    Case("fill_diagonal_", lambda t, x: (x * 1).fill_diagonal_(7.0), normal(3, 3)),
    Case("nanmedian", lambda t: (t.nanmedian(t.tensor([1.0, float("nan"), 3.0, 2.0])),
                                 t.nanmedian(t.tensor([[float("nan"), 1.0], [4.0, 2.0]]), 1))),
    Case("combinations", lambda t, x: (t.combinations(x), t.combinations(x, 3)), normal(4)),
    Case("tensor_split", lambda t, x: (t.tensor_split(x, (1, 4)), x.tensor_split(3, dim=1),
                                       t.hsplit(x, 2), t.vsplit(x, 5)), normal(5, 4)),
    Case("atleast_3d", lambda t, x: (t.atleast_3d(x), t.atleast_3d(x[0])), normal(2, 3)),
    Case("split_with_sizes", lambda t, x: t.split_with_sizes(x, [1, 4]), normal(5, 2)),
    Case("diff options", lambda t, x: (x.diff(2), x.diff(prepend=x[:, :1], dim=1)), normal(3, 5)),
    Case("view as another dtype", lambda t, x: x.view(t.int32), normal(4), gradients=False),
    Case("sum_to_size", lambda t, x: (x.sum_to_size(1, 3), x.sum_to_size(3)), normal(2, 3)),
    Case("renorm", lambda t, x: t.renorm(x, 2, 0, 1.0), normal(3, 4), rtol=1e-4),
    Case("cumsum_", lambda t, x: (x * 1).cumsum_(0), normal(4)),
    Case("repeat_interleave by tensor", lambda t, x: x.repeat_interleave(t.tensor([1, 0, 2]), 0),
         normal(3, 2)),
    Case("view_as_real", lambda t: t.view_as_real(t.tensor([1 + 2j, 3 - 1j]))),
]

ALGEBRA = [
    Case("logdet", lambda t, a: (t.logdet(a), a.logdet()), spd(3, 3), rtol=1e-4, atol=1e-5),
    Case("logdet of a negative determinant", lambda t: t.logdet(t.tensor([[-1.0]]))),
    Case("old svd and qr", lambda t, a: [s := t.svd(a), q := a.qr(), (
        s.U @ t.diag(s.S) @ s.V.mT, q.Q @ q.R)][2], normal(4, 3), rtol=1e-4, atol=1e-5),
    Case("matrix_exp", lambda t, a: t.matrix_exp(a), normal(3, 3), rtol=1e-4, atol=1e-5),
    Case("solve from the right", lambda t, a, b: t.linalg.solve(a, b, left=False), spd(3, 3),
         normal(2, 3), rtol=1e-4, atol=1e-5),
    Case("lu rebuilds", lambda t, a: [f := t.linalg.lu(a), f.P @ f.L @ f.U][1], normal(4, 4),
         rtol=1e-4, atol=1e-5),
    Case("norms", lambda t, a: (t.linalg.norm(a, "fro"), t.linalg.norm(a, 1), t.linalg.norm(
        a, float("inf")), t.linalg.norm(a, dim=0), t.linalg.matrix_norm(a, "nuc")), distinct(3, 4),
        rtol=1e-4, atol=1e-5),
    Case("matrix_norm of other axes", lambda t, a: t.linalg.matrix_norm(a, dim=(0, 2)),
         normal(2, 3, 4)),
    Case("multi_dot", lambda t, a, b, c: (t.linalg.multi_dot([a, b, c]), t.chain_matmul(a, b, c)),
         normal(2, 3), normal(3, 4), normal(4, 5)),
    Case("kron cross dist", lambda t, a, b: (t.kron(a, b), t.cross(a, b), t.dist(a, b, 1)),
         normal(2, 3), normal(2, 3)),
    Case("addr addbmm", lambda t, x, v, w: (t.addr(x, v, w), t.addr(x, v, w, beta=2, alpha=3)),
         normal(3, 4), normal(3), normal(4)),
    Case("einsum of sublists", lambda t, a, b: t.einsum(a, [0, 1], b, [1, 2], [0, 2]),
         normal(2, 3), normal(3, 4)),
    Case("mH of complex", lambda t: t.tensor([[1 + 2j, 3j]]).mH.abs()),
    Case("real fft and back", lambda t, x: (t.fft.irfft(t.fft.rfft(x)), t.fft.fft2(x).real,
                                            t.fft.fftshift(x)), normal(4, 8), rtol=1e-4, atol=1e-5),
    Case("fftfreq", lambda t: (t.fft.fftfreq(6), t.fft.rfftfreq(6, d=0.5))),
    Case("cov of a vector", lambda t, x: (t.cov(x), t.corrcoef(x)), normal(6)),
    Case("cdist p", lambda t, x, y: (t.cdist(x, y, p=1), t.cdist(x, y, p=float("inf"))),
         normal(3, 4), normal(2, 4), rtol=1e-4),
]

ODDS = [
    Case("out", lambda t, x: [o := t.empty(3), t.exp(x, out=o), o][2], normal(3), gradients=False),
    Case("input by keyword", lambda t, x: (t.sum(input=x, dim=0), t.relu(input=x)), normal(2, 3)),
    Case("numpy's keywords", lambda t, x: (x.sum(axis=0), x.mean(axis=1, keepdims=True)),
         normal(2, 3)),
    Case("number first", lambda t, x: (t.mul(2, x), t.where(x > 0, 1, 0)), normal(3),
         gradients=False),
    Case("where of numbers", lambda t, x: t.where(x > 0, 1.0, -1.0), normal(3), gradients=False),
    Case("cat with a tuple of one", lambda t, x: t.cat((x,)), normal(2, 2)),
    Case("std of one axis", lambda t, x: (t.std_mean(x, 1), t.var_mean(x, dim=0, correction=0)),
         normal(3, 4)),
    Case("result types", lambda t: [str(t.result_type(t.ones(1), 2.0)), str(t.promote_types(
        t.int32, t.float16)), t.can_cast(t.float32, t.int32), t.is_tensor(t.ones(1))]),
    Case("clamp_ by tensors", lambda t, x, low: (x * 1).clamp_(low), normal(5),
         uniform(-0.5, 0.5, 5).constant()),
    Case("unsqueeze_ squeeze_", lambda t: [x := t.ones(2, 3), x.unsqueeze_(0), x.squeeze_(0),
                                           x.t_(), x][4]),
    Case("histogram", lambda t, x: t.histogram(x, 4), distinct(9), gradients=False),
    Case("complex arithmetic", lambda t: [z := t.tensor([1 + 2j, -1j]), (
        (z * z.conj()).real, z.abs(), t.view_as_real(z), z.angle())][1]),
    Case("in-place functions", lambda t, x: (t.exp_(x * 1), t.clamp_(x * 1, min=0.0)), normal(4)),
]

CASES = SPECIAL + PLACES + ALGEBRA + ODDS


@pytest.fixture(scope="module")
def real_torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_function_agrees(case: Case, real_torch: Any) -> None:
    check_torch_case(face, real_torch, case)
