"""02.affine_mle: the affine flow of highest likelihood, in closed form."""

import math

import numpy as np
import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
The affine flow $z = L^{-1}(x - \mu)$ with a standard normal base is the one flow that can be trained with a pencil. Its
negative log-likelihood, averaged over the rows of `x`, is smallest for

$$\begin{gathered}
\hat\mu = \frac1N \sum_n x_n, \qquad L L^\top = \hat\Sigma = \frac1N \sum_n (x_n - \hat\mu)(x_n - \hat\mu)^\top, \\
\mathrm{NLL} = \tfrac D2 (1 + \log 2\pi) + \tfrac12 \log\det\hat\Sigma
\end{gathered}$$

`x` has shape `(N, D)` with $N > D$, and $D$ may be 1. Return `(mu, L, nll)`: `mu` of shape `(D,)`; `L` of shape
`(D, D)`, lower triangular with a positive diagonal; and `nll`, the smallest mean negative log-likelihood in nats, a
tensor without dimensions. Mind the $\frac1N$. At $D = 40$ the determinant of $\hat\Sigma$ may underflow: take its
logarithm without computing it.
"""

HINTS = (
    "Centre the data first. With samples as rows, which matrix product gives the (D, D) covariance? Divide by N.",
    "torch.linalg.cholesky gives L. The determinant of a triangular matrix is the product of its diagonal, "
    "and det(Sigma) = det(L)^2: the factor 1/2 and the square cancel.",
    "centred = x - mu; Sigma = centred.T @ centred / N; L = torch.linalg.cholesky(Sigma); "
    "nll = D/2 * (1 + log(2 pi)) + the sum of the logarithms of L's diagonal.",
)


def affine_mle(x):
    N, D = x.shape
    mu = x.mean(dim=0)
    centred = x - mu
    L = torch.linalg.cholesky(centred.T @ centred / N)
    nll = 0.5 * D * (1 + math.log(2 * math.pi)) + L.diagonal().log().sum()
    return mu, L, nll


def cases(draw):
    made = []
    for n, d, scale in ((30, 3, 1.0), (9, 1, 2.0), (25, 5, 0.7), (90, 40, 1e-9)):
        made.append(Case((scale * (draw.normal(n, d) @ draw.matrix(d).T + draw.uniform(1.0, 3.0, d)),)))
    return made


def whitens(ask, draw):
    """Encoded by L, the data have mean 0 and covariance I; and nll is what the normal density says of them."""
    x = draw.normal(40, 4) @ draw.matrix(4, sign=-1).T + 2
    mu, L, nll = ask(x)
    if L.triu(1).any() or not (L.diagonal() > 0).all():
        return Finding("property", "L lower triangular with a positive diagonal", "another matrix")
    z = torch.linalg.solve_triangular(L, (x - mu).T, upper=False)
    off = max(z.mean(1).abs().max().item(), (z @ z.T / 40 - torch.eye(4).to(z)).abs().max().item())
    if off > 1e-5:
        return Finding("property", "encoded data with mean 0 and covariance I", f"entries off by {off:.2g}")
    want = 0.5 * z.square().sum(0).mean() + 2 * math.log(2 * math.pi) + torch.linalg.slogdet(L)[1]
    if abs(nll.item() - want.item()) > 1e-5 * (1 + abs(want.item())):
        return Finding("property", f"{want.item():.4f}, the mean of -log p(x) over the rows", f"{nll.item():.4f}")
    return None


def _parts(x, correction=0):
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred / (len(x) - correction)


def _constant(D):
    return 0.5 * D * (1 + math.log(2 * math.pi))


def _nll(L):
    return _constant(len(L)) + L.diagonal().abs().log().sum()


def _with_nll(change):
    """Right mu and L, and another nll, `change(x, L)`."""

    def answer(x):
        mu, L, _ = affine_mle(x)
        return mu, L, change(x, L)

    return answer


def _with_matrix(change):
    """Another matrix, `change(Sigma, L)`, and the right rest."""

    def answer(x):
        mu, L, nll = affine_mle(x)
        return mu, change(L @ L.T, L), nll

    return answer


def _of_covariance(covariance):
    """Everything from another covariance, `covariance(x)`."""

    def answer(x):
        L = torch.linalg.cholesky(covariance(x))
        return x.mean(0), L, _nll(L)

    return answer


def _unbiased_scored(x):
    """N - 1 in the matrix, and the loss really measured with it."""
    mu, covariance = _parts(x, correction=1)
    L = torch.linalg.cholesky(covariance)
    z = torch.linalg.solve_triangular(L, (x - mu).T, upper=False)
    return mu, L, 0.5 * z.square().sum(0).mean() + 0.5 * len(L) * math.log(2 * math.pi) + L.diagonal().log().sum()


def _symmetric_root(covariance, L):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag(values.sqrt()) @ vectors.T


def _components(covariance, L):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.sqrt()


def _components_by_svd(covariance, L):
    vectors, values, _ = torch.linalg.svd(covariance)
    return vectors * values.sqrt()


def _precision(x):
    mu, covariance = _parts(x)
    L = torch.linalg.cholesky(torch.linalg.inv(covariance))
    return mu, L, _nll(L)


def _mean(mean):
    """Everything from another mean; over the wrong dimension it fits for no shape but a square one."""

    def answer(x):
        mu = mean(x)
        L = torch.linalg.cholesky((x - mu).T @ (x - mu) / len(x))
        return mu, L, _nll(L)

    return answer


def _torch_cov(correction):
    """torch.cov gives a number without dimensions where there is one feature."""
    return _of_covariance(lambda x: torch.cov(x.T, correction=correction))


def _np_cov(x):
    covariance = np.cov(x.cpu().numpy(), rowvar=False, bias=True)
    L = torch.from_numpy(np.linalg.cholesky(covariance)).to(x)
    return x.mean(0), L, _nll(L)


def _qr(log):
    def answer(x):
        L = torch.linalg.qr((x - x.mean(0)) / math.sqrt(len(x)))[1].T
        return x.mean(0), L, _constant(len(L)) + log(L.diagonal()).sum()

    return answer


def _jitter(size):
    def covariance(x):
        return _parts(x)[1] + size * torch.eye(x.shape[1]).to(x)

    return covariance


def _gram(x):
    centred = x - x.mean(0)
    L = torch.linalg.cholesky(centred @ centred.T / len(x))
    return x.mean(0), L, _nll(L)


_UNBIASED = "N - 1 in the covariance: maximum likelihood divides by N (torch.cov needs correction=0)"
_UPPER = "L is upper triangular: the lower one is asked for, L L^T = Sigma"
_PRECISION = "the inverse: L L^T is the covariance, not the precision matrix, and L leads from z to x"
_ONE_FEATURE = "with one feature torch.cov and np.cov give a number without dimensions: reshape it to (D, D)"
_OVER_FEATURES = "the mean runs over the features: average over the rows, dim 0"
_POSITIVE = "L's diagonal is to be positive: turn the sign of the columns where it is not"
_JITTER = "something is added to Sigma's diagonal: the plain covariance is asked for"
_NOT_FACTORED = "this is no triangular factor of Sigma: take its Cholesky factor"

MISTAKES = (
    Mistake("unbiased", _UNBIASED, _of_covariance(lambda x: _parts(x, correction=1)[1])),
    Mistake("unbiased", _UNBIASED, _unbiased_scored),
    Mistake("one_feature", _ONE_FEATURE, _torch_cov(0)),
    Mistake("one_feature", _ONE_FEATURE, _torch_cov(1)),
    Mistake("one_feature", _ONE_FEATURE, _np_cov),
    Mistake("upper", _UPPER, _with_matrix(lambda S, L: L.T)),
    Mistake("upper", _UPPER, _with_matrix(lambda S, L: torch.linalg.inv(torch.linalg.cholesky(torch.linalg.inv(S))).T)),
    Mistake("precision", _PRECISION, _precision),
    Mistake("precision", _PRECISION, _with_matrix(lambda S, L: torch.linalg.cholesky(torch.linalg.inv(S)))),
    Mistake("precision", _PRECISION, _with_matrix(lambda S, L: torch.linalg.inv(L))),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(lambda S, L: S)),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(_symmetric_root)),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(_components)),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(_components_by_svd)),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(lambda S, L: torch.linalg.cholesky(S).diagonal().diag())),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(lambda S, L: S.sqrt())),
    Mistake("not_factored", _NOT_FACTORED, _with_matrix(lambda S, L: L / L.diagonal())),
    Mistake("negative", _POSITIVE, _qr(torch.log)),
    Mistake("negative", _POSITIVE, _qr(lambda diagonal: diagonal.abs().log())),
    *(Mistake("jitter", _JITTER, _of_covariance(_jitter(size))) for size in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8)),
    Mistake(
        "gram",
        "centred @ centred.T compares rows, (N, N): centred.T @ centred compares features, (D, D)",
        _gram,
    ),
    Mistake(
        "diagonal",
        "only the variances are used: the covariances between features belong into Sigma as well",
        _of_covariance(lambda x: _parts(x)[1].diagonal().diag()),
    ),
    Mistake(
        "not_centred",
        "the data are not centred: subtract mu before you multiply",
        _of_covariance(lambda x: x.T @ x / len(x)),
    ),
    Mistake(
        "not_divided",
        "the sum over the rows is not divided by N",
        _of_covariance(lambda x: _parts(x)[1] * len(x)),
    ),
    Mistake("mean_over_features", _OVER_FEATURES, _mean(lambda x: x.mean(1, keepdim=True))),
    Mistake(
        "one_mean",
        "mu is one number: average over the rows alone, dim 0, for one number per feature",
        _mean(torch.mean),
    ),
    Mistake("summed_mean", "mu is a sum: divide it by N", _mean(lambda x: x.sum(0))),
    Mistake("mean_over_features", _OVER_FEATURES, _mean(lambda x: x.mean(1))),
    Mistake(
        "no_log_det",
        "log det Sigma is missing in nll: this would be the entropy of the base",
        _with_nll(lambda x, L: torch.full_like(x[0, 0], _constant(len(L)))),
    ),
    Mistake(
        "minus_log_det",
        "the sign of the log-det: encode has -log det L, and the loss is the negative, so it is added",
        _with_nll(lambda x, L: _constant(len(L)) - L.diagonal().log().sum()),
    ),
    Mistake(
        "whole_log_det",
        "the factor 1/2: log det Sigma is twice the sum of the logarithms of L's diagonal",
        _with_nll(lambda x, L: _constant(len(L)) + 2 * L.diagonal().log().sum()),
    ),
    Mistake(
        "quarter_log_det",
        "the 1/2 is taken twice: 1/2 log det Sigma is the whole sum of the logarithms of L's diagonal",
        _with_nll(lambda x, L: _constant(len(L)) + 0.5 * L.diagonal().log().sum()),
    ),
    Mistake(
        "no_two_pi",
        "the constant D/2 log(2 pi) is missing",
        _with_nll(lambda x, L: 0.5 * len(L) + L.diagonal().log().sum()),
    ),
    Mistake(
        "no_quadratic",
        "D/2 is missing: at the optimum the squares of the encoded data average to D, and half of that stays",
        _with_nll(lambda x, L: _nll(L) - 0.5 * len(L)),
    ),
    Mistake(
        "constant_once",
        "the constant (1 + log 2 pi)/2 comes once for each of the D features",
        _with_nll(lambda x, L: _nll(L) - _constant(len(L)) + _constant(1)),
    ),
    Mistake("likelihood", "the log-likelihood: its negative is asked for", _with_nll(lambda x, L: -_nll(L))),
    Mistake(
        "per_dimension",
        "nats per feature: do not divide by D",
        _with_nll(lambda x, L: _nll(L) / len(L)),
    ),
    Mistake("summed", "a sum over the rows: the mean is asked for", _with_nll(lambda x, L: _nll(L) * len(x))),
    Mistake(
        "det_then_log",
        "the determinant underflows at D = 40: sum the logarithms of L's diagonal, or use slogdet",
        _with_nll(lambda x, L: _constant(len(L)) + 0.5 * torch.log(torch.linalg.det(L @ L.T))),
    ),
    Mistake(
        "det_then_log",
        "the determinant underflows at D = 40: sum the logarithms of L's diagonal, or use slogdet",
        _with_nll(lambda x, L: _constant(len(L)) + torch.log(L.diagonal().prod())),
    ),
    Mistake("bits", "bits instead of nats: do not divide by log 2", _with_nll(lambda x, L: _nll(L) / math.log(2))),
    Mistake("order", "the three are in another order: (mu, L, nll)", lambda x: (affine_mle(x)[1], *affine_mle(x)[::2])),
    Mistake("nll_missing", "nll is missing: return (mu, L, nll)", lambda x: affine_mle(x)[:2]),
)

EXERCISE = Exercise(
    id="02.affine_mle",
    title="The affine flow in closed form",
    level="stretch",
    minutes=20,
    points=3,
    anchor="sec-02-affine",
    task=TASK,
    hints=HINTS,
    references=(affine_mle,),
    returns=("mu (D,)", "L (D, D)", "nll, a single number"),
    cases=cases,
    mistakes=MISTAKES,
    independent=whitens,
)
