"""The extensions for linear algebra and Fourier transforms, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tricord as tc
from tests.array_api.support import arrays, same

QUICK = settings(max_examples=15, deadline=None)
RNG = np.random.default_rng(3)
PAIRS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
         ((5, 2, 3), (1, 3, 4)), ((2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)),
         ((5, 2, 3), (3,)), ((0, 3), (3, 2)), ((2, 0), (0, 2))]


def close(actual, expected, tolerance=1e-10):
    same(actual, expected, tolerance=tolerance)


def stack(*lead, n=3, m=3, dtype="float64"):
    x = RNG.normal(size=(*lead, n, m)).astype(dtype)
    return x + 1j * RNG.normal(size=x.shape).astype(dtype) if dtype.startswith("complex") else x


@pytest.mark.parametrize(("left", "right"), PAIRS)
@pytest.mark.parametrize("dtype", ["int16", "float64", "complex64"])
def test_matmul(left, right, dtype):
    x, y = (RNG.integers(-5, 5, s).astype(dtype) for s in (left, right))
    close(tc.matmul(tc.asarray(x), tc.asarray(y)), np.asarray(x @ y))
    close(tc.asarray(x) @ tc.asarray(y), np.asarray(x @ y))


def test_matmul_says_what_does_not_fit():
    with pytest.raises(ValueError, match="inner sizes differ"):
        tc.matmul(tc.zeros((2, 3)), tc.zeros((2, 3)))
    with pytest.raises(ValueError, match="0-d"):
        tc.matmul(tc.zeros(()), tc.zeros(2))
    with pytest.raises(TypeError):
        tc.zeros((2, 2)) @ 3


def test_other_products():
    x, y = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 3, 5))
    a, b = tc.asarray(x), tc.asarray(y)
    close(tc.tensordot(a, b, axes=((1, 2), (1, 0))), np.tensordot(x, y, ((1, 2), (1, 0))))
    close(tc.tensordot(a, b, axes=1), np.tensordot(x, y, 1))
    close(tc.matrix_transpose(a), np.swapaxes(x, -1, -2))
    close(a.mT, np.swapaxes(x, -1, -2))
    close(tc.vecdot(a, tc.asarray(x[0])), np.vecdot(x, x[0]))
    z = stack(dtype="complex128")
    close(tc.vecdot(tc.asarray(z), tc.asarray(z.T), axis=-2), np.vecdot(z, z.T, axis=-2))
    close(tc.linalg.outer(a[0, 0], b[0, 0]), np.outer(x[0, 0], y[0, 0]))
    close(tc.einsum("ijk,kjl->il", a, b), np.einsum("ijk,kjl->il", x, y))
    close(tc.linalg.cross(a[..., :3], a[0, :, 1:]), np.cross(x[..., :3], x[0, :, 1:]))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_decompositions(dtype):
    x = stack(2, dtype=dtype)
    t = tc.asarray(x)
    positive = x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(3)
    p = tc.asarray(positive)
    close(tc.linalg.cholesky(p), np.linalg.cholesky(positive))
    close(tc.linalg.cholesky(p, upper=True), np.linalg.cholesky(positive, upper=True))
    q, r = tc.linalg.qr(t)
    close(q @ r, x)
    values, vectors = tc.linalg.eigh(p)
    close(values, np.linalg.eigvalsh(positive))
    close(p @ vectors, np.asarray(vectors) * np.asarray(values)[:, None, :])
    close(tc.linalg.eigvalsh(p), np.linalg.eigvalsh(positive))
    for full in (True, False):
        u, s, vh = tc.linalg.svd(tc.asarray(x[:, :2]), full_matrices=full)
        expected = np.linalg.svd(x[:, :2], full_matrices=full)
        assert (u.shape, s.shape, vh.shape) == tuple(e.shape for e in expected)
        close(s, expected.S)
        close((u * s[:, None, :]) @ vh[:, :2], x[:, :2])
    close(tc.linalg.svdvals(t), np.linalg.svd(x, compute_uv=False))


def test_names_of_the_results():
    x = tc.eye(2)
    assert tc.linalg.qr(x)._fields == ("Q", "R")
    assert tc.linalg.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert tc.linalg.svd(x)._fields == ("U", "S", "Vh")
    assert tc.linalg.slogdet(x)._fields == ("sign", "logabsdet")


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_solving(dtype):
    x, y = stack(2, dtype=dtype), stack(2, m=2, dtype=dtype)
    t = tc.asarray(x)
    close(tc.linalg.inv(t), np.linalg.inv(x))
    close(tc.linalg.solve(t, tc.asarray(y)), np.linalg.solve(x, y))
    close(tc.linalg.solve(t[0], tc.asarray(y[0, :, 0])), np.linalg.solve(x[0], y[0, :, 0]))
    close(tc.linalg.det(t), np.linalg.det(x))
    sign, logarithm = tc.linalg.slogdet(t)
    close(sign, np.linalg.slogdet(x).sign)
    close(logarithm, np.linalg.slogdet(x).logabsdet)
    close(tc.linalg.pinv(t[:, :2]), np.linalg.pinv(x[:, :2]))
    for n in (-2, 0, 3):
        close(tc.linalg.matrix_power(t, n), np.linalg.matrix_power(x, n), 1e-8)


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norms(order, keepdims):
    x = stack(2, m=4)
    close(tc.linalg.matrix_norm(tc.asarray(x), ord=order, keepdims=keepdims),
          np.linalg.matrix_norm(x, ord=order, keepdims=keepdims))


@pytest.mark.parametrize("order", [2, 1, 0, 3, 0.5, np.inf, -np.inf, -1])
@pytest.mark.parametrize("axis", [None, 0, (0, 2)])
def test_vector_norms(order, axis):
    x = stack(2, m=4)
    close(tc.linalg.vector_norm(tc.asarray(x), ord=order, axis=axis),
          np.asarray(np.linalg.vector_norm(x, ord=order, axis=axis)))


def test_rank_trace_diagonal():
    x = np.diag([1.0, 1e-3, 0.0])
    t = tc.asarray(x)
    assert tc.linalg.matrix_rank(t).item() == 2
    assert tc.linalg.matrix_rank(t, rtol=0.1).item() == 1
    assert tc.linalg.matrix_rank(tc.stack([t, t]), rtol=tc.asarray([0.1, 1e-6])).tolist() == [1, 2]
    close(tc.linalg.pinv(tc.stack([t, t]), rtol=tc.asarray([0.1, 1e-6])),
          np.linalg.pinv(np.stack([x, x]), rtol=np.array([0.1, 1e-6])))
    for k in (-1, 0, 2):
        close(tc.linalg.trace(t, offset=k), np.asarray(np.trace(x, k)))
        close(tc.linalg.diagonal(t, offset=k), np.diagonal(x, k))
    assert tc.linalg.trace(tc.asarray([[1, 0], [0, 1]], dtype=tc.uint8)).dtype is tc.uint64


def test_not_square_is_refused():
    for name in ("inv", "det", "cholesky", "eigh", "slogdet"):
        with pytest.raises(ValueError, match="square"):
            getattr(tc.linalg, name)(tc.zeros((2, 3)))


# ---- Fourier

ONE_AXIS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
NORMS = ["backward", "ortho", "forward"]


@pytest.mark.parametrize("name", ONE_AXIS)
@given(data=st.data(), norm=st.sampled_from(NORMS))
@QUICK
def test_transforms_along_an_axis(name, data, norm):
    kinds = "f" if name in ("rfft", "ihfft") else "c"
    x = data.draw(arrays(kinds, shape=(3, 4), low=-2, high=2))
    axis, n = data.draw(st.integers(-2, 1)), data.draw(st.sampled_from([None, 2, 5]))
    expected = getattr(np.fft, name)(x, n, axis, norm)
    same(getattr(tc.fft, name)(tc.asarray(x), n=n, axis=axis, norm=norm), expected, tolerance=2e-5)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
@pytest.mark.parametrize(("s", "axes"), [(None, None), (None, (0, 2)), ((3, 2), (1, 2)),
                                         (None, (1,))])
@pytest.mark.parametrize("norm", NORMS)
def test_transforms_along_axes(name, s, axes, norm):
    x = stack(2, m=4, dtype="float64" if name == "rfftn" else "complex128")
    close(getattr(tc.fft, name)(tc.asarray(x), s=s, axes=axes, norm=norm),
          getattr(np.fft, name)(x, s, axes, norm))


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies_and_shifts(n):
    close(tc.fft.fftfreq(n, d=0.5), np.fft.fftfreq(n, 0.5).astype(np.float32))
    close(tc.fft.rfftfreq(n, dtype=tc.float64), np.fft.rfftfreq(n))
    x = stack(2, n=n, m=4)
    for axes in (None, 0, (0, 2)):
        close(tc.fft.fftshift(tc.asarray(x), axes=axes), np.fft.fftshift(x, axes))
        close(tc.fft.ifftshift(tc.asarray(x), axes=axes), np.fft.ifftshift(x, axes))


def test_a_wrong_norm_is_refused():
    with pytest.raises(ValueError, match="backward"):
        tc.fft.fft(tc.zeros(4), norm="both")


@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 3, 3), (0, 2, 3), (0, 3, 0), (2, 3, 0)])
def test_matrices_without_elements(shape):
    x = np.zeros(shape, np.float32)
    square = ["cholesky", "det", "inv", "slogdet", "eigh", "eigvalsh"]
    for name in [*(square if shape[-1] == shape[-2] else []), "qr", "svd", "svdvals", "pinv",
                 "matrix_rank", "diagonal", "trace"]:
        found, expected = getattr(tc.linalg, name)(tc.asarray(x)), getattr(np.linalg, name)(x)
        if not isinstance(found, tuple):
            found, expected = (found,), (expected,)
        for a, b in zip(found, expected, strict=True):
            assert a.numpy().shape == np.shape(b), name


@pytest.mark.parametrize("name", ["svd", "svdvals", "pinv", "eigh", "eigvalsh", "matrix_rank",
                                  "cond", "inv", "cholesky"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_does_not_converge_is_an_error_of_ours_or_nan(name, bad):
    x = tc.asarray(np.full((3, 3), bad))
    try:
        result = getattr(tc.linalg, name)(x)
        values = np.asarray(result[0] if isinstance(result, tuple) else result)
    except tc.TricordError as error:
        assert isinstance(error, ValueError)
        return
    assert values.dtype.kind == "i" or not np.isfinite(values).all()


def test_the_pseudo_inverse_of_nan_is_an_error():
    with pytest.raises(tc.errors.SingularMatrixError, match="did not converge"):
        tc.linalg.pinv(tc.asarray([[np.nan, 1.0], [1.0, 2.0]])).numpy()


def test_eigenvalues_of_the_largest_numbers_do_not_overflow():
    x = np.full((3, 3), np.finfo(np.float64).max / 4)
    values = tc.linalg.eigh(tc.asarray(x)).eigenvalues.numpy()
    np.testing.assert_allclose(values[-1], 3 * x[0, 0])


@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0)])
def test_ranks_and_inverses_of_nothing_with_a_tolerance_per_matrix(shape):
    x, rtol = tc.zeros(shape), tc.full(shape[:-2], 0.1)
    assert tc.linalg.matrix_rank(x, rtol=rtol).tolist() == np.zeros(shape[:-2], int).tolist()
    assert tc.linalg.pinv(x, rtol=rtol).numpy().shape == (*shape[:-2], shape[-1], shape[-2])
