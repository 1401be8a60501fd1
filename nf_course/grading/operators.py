"""Operators of torch that an exercise may rule out, by (a part of) the name under which torch runs them."""

__all__ = ["AUTOGRAD", "DETERMINANTS", "SOLVERS"]

_FACTORISATIONS = ("linalg_lu", "lu_factor", "lu_unpack", "linalg_qr", "linalg_svd", "linalg_eig", "cholesky")

# A determinant, or a factorisation that gives one.
DETERMINANTS = ("slogdet", "linalg_det", *_FACTORISATIONS)

# An inverse or a general solver; two triangular solves are something else.
SOLVERS = ("linalg_inv", "linalg_solve_ex", "linalg_lstsq", "pinv", "lu_solve", *_FACTORISATIONS)

# A derivative taken inside the answer shows by its backward formulas.
AUTOGRAD = ("backward",)
