"""torch.* that moves, picks, orders or reduces values, and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, bools, distinct, integers, normal, positive, spd

REDUCTIONS = [
    Case("sum", lambda t, x: (t.sum(x), x.sum(0), x.sum(dim=1), x.sum(-1, keepdim=True),
                              x.sum((0, 2)), x.sum(dim=[0, 1])), normal(2, 3, 4)),
    Case("sum of integers and bools", lambda t, x, b: (x.sum(), b.sum(), x.sum(0)),
         integers(0, 9, 2, 3), bools(5), gradients=False),
    Case("sum dtype", lambda t, x: x.sum(dtype=t.float64), normal(4)),
    Case("mean", lambda t, x: (t.mean(x), x.mean(0), x.mean((1, 2)), x.mean(-1, keepdim=True)),
         normal(2, 3, 4)),
    Case("mean of empty is NaN", lambda t: t.ones(0).mean()),
    Case("prod", lambda t, x: (t.prod(x), x.prod(1), x.prod(0, keepdim=True)), positive(2, 3)),
    Case("prod with a zero", lambda t, x: (x * t.tensor([1.0, 0.0, 2.0])).prod(1), positive(2, 3)),
    Case("max whole", lambda t, x: (t.max(x), x.min()), distinct(3, 4)),
    Case("max along", lambda t, x: (t.max(x, 1), x.min(dim=0), x.max(-1, keepdim=True)),
         distinct(3, 4)),
    Case("max has names", lambda t, x: (x.max(1).values, x.max(1).indices), distinct(3, 4)),
    Case("max of two", lambda t, x, y: (t.max(x, y), t.min(x, y)), normal(4), normal(4)),
    Case("amax amin", lambda t, x: (t.amax(x, 1), x.amin((0, 1)), x.amax()), distinct(3, 4)),
    Case("aminmax", lambda t, x: t.aminmax(x), distinct(3, 4)),
    Case("max with NaN", lambda t: (t.tensor([1.0, float("nan"), 3.0]).max(),
                                    t.tensor([1.0, float("nan")]).min())),
    Case("argmax", lambda t, x: (t.argmax(x), x.argmax(1), x.argmin(0),
                                 x.argmax(dim=1, keepdim=True)), distinct(3, 4)),
    Case("any all", lambda t, b: (b.any(), b.all(), b.any(1), t.all(b, dim=0)), bools(3, 4)),
    Case("var std", lambda t, x: (t.var(x), x.std(), x.var(0), x.std(1, unbiased=False),
                                  t.var(x, dim=1, correction=0), x.var(1, keepdim=True)),
         normal(3, 4)),
    Case("var_mean", lambda t, x: (t.var_mean(x, 1), t.std_mean(x)), normal(3, 4)),
    Case("norm", lambda t, x: (t.norm(x), x.norm(2), x.norm(1), x.norm(p=2, dim=1),
                               x.norm(dim=0, keepdim=True), x.norm(float("inf"))), distinct(3, 4)),
    Case("logsumexp", lambda t, x: (t.logsumexp(x, 1), x.logsumexp(0, keepdim=True)), normal(3, 4)),
    Case("cumsum", lambda t, x: (t.cumsum(x, 0), x.cumsum(1)), normal(3, 4)),
    Case("cumprod", lambda t, x: t.cumprod(x, 1), positive(3, 4)),
    Case("cummax", lambda t, x: (t.cummax(x, 1), t.cummin(x, 0)), distinct(3, 4)),
    Case("median", lambda t, x: (t.median(x), x.median(1)), distinct(3, 5)),
    Case("quantile", lambda t, x: (t.quantile(x, 0.3), t.quantile(x, 0.5, dim=1)), distinct(3, 5)),
    Case("mode", lambda t: t.mode(t.tensor([[1, 2, 2], [3, 3, 1]]), 1)),
    Case("count_nonzero", lambda t, x: (t.count_nonzero(x), t.count_nonzero(x, dim=0)),
         integers(0, 2, 3, 4)),
    Case("nansum nanmean", lambda t: (t.nansum(t.tensor([1.0, float("nan")])),
                                      t.nanmean(t.tensor([1.0, float("nan")])))),
    Case("diff", lambda t, x: (t.diff(x), t.diff(x, dim=0)), normal(3, 4)),
    Case("dist", lambda t, x, y: t.dist(x, y), normal(4), normal(4)),
    Case("softmax", lambda t, x: (t.softmax(x, dim=1), x.softmax(0), t.log_softmax(x, dim=-1),
                                  x.log_softmax(dim=0)), normal(3, 4)),
    Case("softmax of large values", lambda t: t.softmax(t.tensor([[1000.0, 0.0, -1000.0]]), 1)),
    Case("cov corrcoef", lambda t, x: (t.cov(x), t.corrcoef(x)), normal(3, 6)),
    Case("histc bincount", lambda t, x, i: (t.histc(x, 4, -2.0, 2.0), t.bincount(i),
                                            t.bincount(i, minlength=9)),
         normal(20), integers(0, 6, 12), gradients=False),
    Case("trace", lambda t, x: t.trace(x), normal(3, 4)),
]

MOVEMENT = [
    Case("reshape", lambda t, x: (t.reshape(x, (4, 6)), x.reshape(-1), x.reshape(2, -1),
                                  x.view(6, 4), x.view(-1, 12), x.reshape_as(t.ones(4, 6))),
         normal(2, 3, 4)),
    Case("flatten", lambda t, x: (t.flatten(x), x.flatten(1), t.flatten(x, start_dim=1),
                                  x.flatten(0, 1), t.ravel(x)), normal(2, 3, 4)),
    Case("unflatten", lambda t, x: x.unflatten(1, (2, 3)), normal(2, 6)),
    Case("permute", lambda t, x: (t.permute(x, (2, 0, 1)), x.permute(1, 2, 0)), normal(2, 3, 4)),
    Case("transpose", lambda t, x: (t.transpose(x, 0, 1), x.transpose(-1, -2), x.swapaxes(0, 2),
                                    x.mT), normal(2, 3, 4)),
    Case("t and T", lambda t, x: (x.t(), x.T, t.t(x)), normal(2, 3)),
    Case("movedim", lambda t, x: t.movedim(x, 0, -1), normal(2, 3, 4)),
    Case("squeeze", lambda t, x: (t.squeeze(x), x.squeeze(1), x.squeeze(0), x.squeeze((1, 3))),
         normal(2, 1, 3, 1)),
    Case("unsqueeze", lambda t, x: (t.unsqueeze(x, 0), x.unsqueeze(-1), x.unsqueeze(1)),
         normal(2, 3)),
    Case("expand", lambda t, x: (x.expand(4, 3), x.expand(2, -1, -1), x.expand_as(t.ones(5, 3)),
                                 t.broadcast_to(x, (2, 3))), normal(1, 3)),
    Case("repeat", lambda t, x: (x.repeat(2, 3), x.repeat(2, 1, 1), t.tile(x, (2, 2))),
         normal(2, 3)),
    Case("repeat_interleave", lambda t, x: (t.repeat_interleave(x, 2), x.repeat_interleave(3, 1)),
         normal(2, 3)),
    Case("cat", lambda t, x, y: (t.cat([x, y]), t.cat((x, x), dim=1), t.concat([x, y], 0),
                                 t.cat([x, y], -2)), normal(2, 3), normal(4, 3)),
    Case("cat promotes", lambda t: t.cat([t.tensor([1]), t.tensor([2.5])])),
    Case("stack", lambda t, x, y: (t.stack([x, y]), t.stack((x, y), dim=1), t.stack([x, y], -1),
                                   t.vstack([x, y]), t.hstack([x, y]), t.dstack([x, y])),
         normal(2, 3), normal(2, 3)),
    Case("split", lambda t, x: (t.split(x, 2), x.split([1, 4], dim=0), x.chunk(3), t.chunk(x, 2, 1),
                                x.unbind(0), t.tensor_split(x, 2)), normal(5, 4)),
    Case("narrow", lambda t, x: (x.narrow(0, 1, 2), t.select(x, 1, 2), x.select(0, -1)),
         normal(4, 3)),
    Case("flip roll", lambda t, x: (t.flip(x, [0]), x.flip(0, 1), t.roll(x, 1, 0),
                                    t.roll(x, (1, -1), (0, 1)), t.roll(x, 2), x.fliplr()),
         normal(3, 4)),
    Case("rot90", lambda t, x: t.rot90(x, 1, [0, 1]), normal(3, 4)),
    Case("tril triu", lambda t, x: (t.tril(x), x.triu(), t.tril(x, -1), x.triu(diagonal=1)),
         normal(4, 4)),
    Case("diag", lambda t, x, v: (t.diag(x), t.diag(v), t.diagonal(x), t.diag(v, 1),
                                  t.diag_embed(v)), normal(3, 3), normal(3)),
    Case("unfold method", lambda t, x: x.unfold(0, 3, 2), normal(9)),
    Case("as_strided free views", lambda t, x: (x.contiguous(), x.t().contiguous()), normal(2, 3)),
    Case("atleast", lambda t: (t.atleast_1d(t.tensor(1.0)), t.atleast_2d(t.ones(2)))),
    Case("block_diag", lambda t, x, y: t.block_diag(x, y), normal(2, 2), normal(1, 3)),
    Case("flatten of 0-d", lambda t: (t.tensor(2.0).flatten(), t.tensor(2.0).reshape(1, 1))),
]

INDEXING = [
    Case("integers and slices", lambda t, x: (x[0], x[-1], x[1:], x[:, 2], x[..., 0], x[None, 1],
                                              x[::2], x[:, 1:3], x[0, 1], x[1, ::2], x[:, None]),
         normal(3, 4)),
    Case("index tensors", lambda t, x, i: (x[i], x[:, i], x[i, i], x[[0, 2]], x[i, 1], x[i][:, i]),
         normal(4, 4), integers(0, 4, 3)),
    Case("negative index tensor", lambda t, x: x[t.tensor([-1, 0])], normal(4, 3)),
    Case("2-d index tensor", lambda t, x, i: x[i], normal(5, 3), integers(0, 5, 2, 2)),
    Case("mask", lambda t, x: (x[x > 0], x[x[:, 0] > -9]), distinct(3, 4)),
    Case("mixed index", lambda t, x, i: (x[i, :, 1], x[:, i, 0], x[..., i]), normal(3, 3, 3),
         integers(0, 3, 2)),
    Case("arange and labels", lambda t, x, y: x[t.arange(4), y], normal(4, 5), integers(0, 5, 4)),
    Case("assign", lambda t, x, v: [
        y := x * 1, y.__setitem__(0, v), y.__setitem__((slice(None), 1), 2.0),
        y.__setitem__((1, 2), v[0]), y][4], normal(3, 4), normal(4)),
    Case("assign by mask and index", lambda t, x: [
        y := x * 1, y.__setitem__(y > 0, 0.5), y.__setitem__(t.tensor([0, 2]), 9.0), y][3],
        distinct(3, 4)),
    Case("gather", lambda t, x, i: (t.gather(x, 1, i), x.gather(0, i)), normal(3, 3),
         integers(0, 3, 3, 2)),
    Case("scatter", lambda t, x, i, s: (x.scatter(1, i, s), x.scatter(1, i, 5.0)), normal(3, 4),
         np.array([[0, 2], [1, 3], [2, 0]]), normal(3, 2)),
    Case("scatter_add", lambda t, x, i, s: x.scatter_add(0, i, s), normal(3, 4),
         integers(0, 3, 2, 4), normal(2, 4)),
    Case("scatter_ one-hot", lambda t, i: t.zeros(4, 5).scatter_(1, i, 1.0), integers(0, 5, 4, 1)),
    Case("scatter_reduce", lambda t, x, i, s: x.scatter_reduce(0, i, s, reduce="amax"),
         distinct(5), integers(0, 5, 4), normal(4), gradients=False),
    Case("index_select", lambda t, x, i: (t.index_select(x, 0, i), x.index_select(1, i)),
         normal(4, 4), integers(0, 4, 3)),
    Case("index_add", lambda t, x, i, s: (x.index_add(0, i, s), x.index_add(0, i, s, alpha=2)),
         normal(4, 3), integers(0, 4, 5), normal(5, 3)),
    Case("index_fill index_copy", lambda t, x, s: (
        x.index_fill(0, t.tensor([0, 2]), 3.0), x.index_copy(0, t.tensor([1, 0]), s)),
         normal(3, 2), normal(2, 2)),
    Case("take", lambda t, x, i: (t.take(x, i), t.take_along_dim(x, i.reshape(-1, 1) % 3, 0)),
         normal(3, 4), integers(0, 12, 3), gradients=False),
    Case("masked_fill", lambda t, x, m: (x.masked_fill(m, -1e9), x.masked_fill(m, float("-inf"))),
         normal(3, 4), bools(3, 4), gradients=False),
    Case("masked_select", lambda t, x, m: t.masked_select(x, m), normal(3, 4), bools(3, 4)),
    Case("masked_scatter", lambda t, x, m, s: x.masked_scatter(m, s), normal(3, 4), bools(3, 4),
         normal(12)),
    Case("nonzero", lambda t, x: (t.nonzero(x), x.nonzero(as_tuple=True), t.argwhere(x),
                                  t.where(x > 0)), integers(0, 2, 3, 4)),
    Case("topk", lambda t, x: (t.topk(x, 2), x.topk(3, dim=0), x.topk(2, largest=False)),
         distinct(4, 5)),
    Case("sort", lambda t, x: (t.sort(x), x.sort(0, descending=True), x.argsort(1),
                               t.argsort(x, dim=0, descending=True), t.msort(x)), distinct(4, 5)),
    Case("kthvalue", lambda t, x: x.kthvalue(2, 1), distinct(4, 5)),
    Case("unique", lambda t, i: (t.unique(i), t.unique(i, return_inverse=True),
                                 t.unique(i, return_counts=True)), integers(0, 5, 12)),
    Case("unique_consecutive", lambda t: t.unique_consecutive(t.tensor([1, 1, 2, 2, 1]))),
    Case("searchsorted", lambda t, x: (
        t.searchsorted(t.tensor([-1.0, 0.0, 1.0]), x),
        t.bucketize(x, t.tensor([-1.0, 0.0, 1.0]), right=True)), normal(6), gradients=False),
    Case("isin", lambda t, i: t.isin(i, t.tensor([1, 3])), integers(0, 5, 9)),
    Case("loop over rows", lambda t, x: [row.sum() for row in x], normal(3, 4)),
]

LINALG = [
    Case("matmul", lambda t, x, y: (t.matmul(x, y), x @ y, x.matmul(y), t.mm(x, y), x.mm(y)),
         normal(3, 4), normal(4, 5)),
    Case("matmul batched", lambda t, x, y: (t.matmul(x, y), x @ y[0]), normal(2, 3, 4),
         normal(2, 4, 5)),
    Case("matmul broadcast", lambda t, x, y: x @ y, normal(2, 1, 3, 4), normal(5, 4, 2)),
    Case("matmul vectors", lambda t, x, m: (x @ x, m @ x, x @ m.t(), t.mv(m, x)), normal(4),
         normal(3, 4)),
    Case("bmm", lambda t, x, y: (t.bmm(x, y), x.bmm(y)), normal(2, 3, 4), normal(2, 4, 5)),
    Case("addmm", lambda t, b, x, y: (t.addmm(b, x, y), t.addmm(b, x, y, beta=0.5, alpha=2)),
         normal(5), normal(3, 4), normal(4, 5)),
    Case("baddbmm", lambda t, b, x, y: t.baddbmm(b, x, y), normal(2, 3, 5), normal(2, 3, 4),
         normal(2, 4, 5)),
    Case("dot outer", lambda t, x, y: (t.dot(x, y), t.outer(x, y), t.inner(x, y), t.vdot(x, y)),
         normal(4), normal(4)),
    Case("einsum", lambda t, x, y: (t.einsum("ij,jk->ik", x, y), t.einsum("ij,jk", x, y),
                                    t.einsum("ij->ji", x), t.einsum("ij->", x),
                                    t.einsum("ij,ij->i", x, x)), normal(3, 4), normal(4, 5)),
    Case("einsum attention", lambda t, q, k: (t.einsum("bhqd,bhkd->bhqk", q, k),
                                              t.einsum("...qd,...kd->...qk", q, k)),
         normal(2, 2, 3, 4), normal(2, 2, 5, 4)),
    Case("einsum diagonal", lambda t, x: (t.einsum("ii->i", x), t.einsum("ii", x)), normal(3, 3)),
    Case("tensordot", lambda t, x, y: (t.tensordot(x, y, dims=1),
                                       t.tensordot(x, y, dims=([2], [0]))), normal(2, 3, 4),
         normal(4, 5)),
    Case("kron", lambda t, x, y: t.kron(x, y), normal(2, 2), normal(2, 3)),
    Case("cross", lambda t, x, y: (t.cross(x, y, dim=1), t.linalg.cross(x, y)), normal(4, 3),
         normal(4, 3)),
    Case("cdist", lambda t, x, y: t.cdist(x, y), normal(3, 4), normal(5, 4), rtol=1e-4),
    Case("matrix_power", lambda t, x: t.linalg.matrix_power(x, 3), normal(3, 3)),
    Case("linalg.norm", lambda t, x: (t.linalg.norm(x), t.linalg.vector_norm(x, 2, dim=1),
                                      t.linalg.matrix_norm(x)), normal(3, 4)),
    Case("det inv", lambda t, x: (t.linalg.det(x), t.linalg.inv(x), t.inverse(x), t.det(x)),
         spd(3, 3), rtol=1e-4, atol=1e-5),
    Case("slogdet", lambda t, x: t.linalg.slogdet(x), spd(3, 3), rtol=1e-4),
    Case("solve", lambda t, a, b: t.linalg.solve(a, b), spd(3, 3), normal(3, 2), rtol=1e-4,
         atol=1e-5),
    Case("solve batched", lambda t, a, b: t.linalg.solve(a, b), spd(2, 3, 3), normal(2, 3, 1),
         rtol=1e-4, atol=1e-5),
    Case("cholesky", lambda t, a: (t.linalg.cholesky(a), t.linalg.cholesky(a, upper=True)),
         spd(3, 3), rtol=1e-4, atol=1e-5),
    Case("qr rebuilds", lambda t, a: [q := t.linalg.qr(a), (q[0] @ q[1], q[0].t() @ q[0])][1],
         normal(4, 3), rtol=1e-4, atol=1e-5),
    Case("svd values", lambda t, a: (t.linalg.svdvals(a), t.linalg.matrix_rank(a)), normal(4, 3),
         rtol=1e-4, atol=1e-5),
    Case("svd rebuilds", lambda t, a: [
        s := t.linalg.svd(a, full_matrices=False), s[0] @ t.diag(s[1]) @ s[2]][1], normal(4, 3),
        rtol=1e-4, atol=1e-5),
    Case("eigh values", lambda t, a: (t.linalg.eigvalsh(a), t.linalg.eigh(a)[0]), spd(3, 3),
         rtol=1e-4, atol=1e-5),
    Case("pinv", lambda t, a: t.linalg.pinv(a), normal(4, 3), gradients=False, rtol=1e-4,
         atol=1e-5),
    Case("lstsq", lambda t, a, b: t.linalg.lstsq(a, b).solution, normal(5, 3), normal(5, 1),
         gradients=False, rtol=1e-4, atol=1e-5),
    Case("triangular solve", lambda t, a, b: t.linalg.solve_triangular(t.tril(a), b, upper=False),
         spd(3, 3), normal(3, 2), rtol=1e-4, atol=1e-5),
    Case("fft", lambda t, x: (t.fft.fft(x).abs(), t.fft.rfft(x).real,
                              t.fft.ifft(t.fft.fft(x)).real), normal(8), gradients=False,
         rtol=1e-4, atol=1e-5),
]


def backward_accumulates(t: Any) -> Any:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    (x ** 2).sum().backward()
    (x * 3).sum().backward()
    return x.grad


def hook_changes_gradient(t: Any) -> Any:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.clone()))
    x.register_hook(lambda g: g * 10)
    y.sum().backward()
    return x.grad, seen


def no_grad_and_detach(t: Any) -> Any:
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        a = x * 2
        inner = t.is_grad_enabled()
    b = x.detach()
    with t.set_grad_enabled(False):
        c = x * 2
    with t.inference_mode():
        d = x * 2

    @t.no_grad()
    def double(v: Any) -> Any:
        return v * 2

    return [v.requires_grad for v in (a, b, c, d, double(x), x * 2)] + [inner]


def second_derivative(t: Any) -> Any:
    x = t.tensor([1.5, -0.5], requires_grad=True)
    (first,) = t.autograd.grad((x ** 3).sum(), x, create_graph=True)
    (second,) = t.autograd.grad(first.sum(), x)
    return first, second


def retained_intermediate(t: Any) -> Any:
    x = t.ones(2, requires_grad=True)
    y = x * 3
    y.retain_grad()
    (y ** 2).sum().backward()
    return y.grad, x.grad, x.is_leaf, y.is_leaf


def manual_sgd(t: Any) -> Any:
    w = t.zeros(3, requires_grad=True)
    x, y = t.tensor([[1.0, 2, 3], [4, 5, 6.5]]), t.tensor([1.0, 2.0])
    for _ in range(5):
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        with t.no_grad():
            w -= 0.01 * w.grad
            w.grad.zero_()
    return w, loss, w.grad


def custom_function(t: Any) -> Any:
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * 30 * x ** 2

    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = Cube.apply(x)
    y.sum().backward()
    return y, x.grad


AUTOGRAD = [
    Case("gradients accumulate", backward_accumulates),
    Case("backward with a gradient", lambda t: [
        x := t.tensor([1.0, 2.0], requires_grad=True), (x * x).backward(t.tensor([1.0, 3.0])),
        x.grad][2]),
    Case("retain_graph", lambda t: [
        x := t.tensor([2.0], requires_grad=True), y := (x ** 2).sum(),
        y.backward(retain_graph=True), y.backward(), x.grad][4]),
    Case("hooks", hook_changes_gradient),
    Case("no_grad, detach, inference_mode", no_grad_and_detach),
    Case("second derivative", second_derivative),
    Case("retain_grad", retained_intermediate),
    Case("manual SGD", manual_sgd),
    Case("custom Function", custom_function),
    Case("grad of several", lambda t: [
        a := t.tensor(2.0, requires_grad=True), b := t.tensor(3.0, requires_grad=True),
        t.autograd.grad(a * b + a, [a, b])][2]),
    Case("grad of an unused input", lambda t: [
        a := t.tensor(2.0, requires_grad=True), b := t.tensor(3.0, requires_grad=True),
        t.autograd.grad(a * 2, [a, b], allow_unused=True)][2]),
    Case("jacobian", lambda t: t.autograd.functional.jacobian(lambda x: x ** 2, t.arange(3.0))),
    Case("func.grad and vmap", lambda t: (
        t.func.grad(lambda x: (x ** 2).sum())(t.arange(3.0)),
        t.func.vmap(lambda x: x * 2)(t.ones(2, 3)))),
    Case("clip_grad_norm_", lambda t: [
        p := t.nn.Parameter(t.ones(4)), (p * 3).sum().backward(),
        t.nn.utils.clip_grad_norm_([p], 1.0), p.grad][2:]),
    Case("clip_grad_value_", lambda t: [
        p := t.nn.Parameter(t.ones(4)), (p * 3).sum().backward(),
        t.nn.utils.clip_grad_value_([p], 0.5), p.grad][2:]),
    Case("parameters_to_vector", lambda t: t.nn.utils.parameters_to_vector(
        [t.ones(2), t.zeros(2, 2)])),
]

CASES = REDUCTIONS + MOVEMENT + INDEXING + LINALG + AUTOGRAD
