"""From what a chapter has at hand (flows, functions, tensors on any device) to arrays that can be drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

CHUNK = 16384  # points in one evaluation: bounds the memory of a fine grid through a wide network


def array(values) -> np.ndarray:
    """Numbers of any kind (a list, a tensor of any device and dtype, with gradient or not) as float64 array.

    >>> array(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
    array([1., 1.])
    """
    # First to the CPU, then to float64: Apple's GPUs have no float64.
    return torch.as_tensor(values).detach().cpu().double().numpy()


def points(values, features: int | None = None) -> np.ndarray:
    """The same, for a table of points ``(N, features)``; says what it expected when it gets another shape."""
    table = array(values)
    if table.ndim != 2 or (features is not None and table.shape[1] != features):
        raise ValueError(f"expected points of shape (N, {features or 'D'}), got {table.shape}")
    return table


def owner(function: Callable) -> nn.Module | None:
    """The module behind a function to draw: itself, or the one that it is a method of."""
    module = getattr(function, "__self__", function)
    return module if isinstance(module, nn.Module) else None


@contextmanager
def resting(module: nn.Module | None) -> Iterator[None]:
    """No gradients, and the module in evaluation mode: drawing must not initialise or change a layer."""
    modes = [(part, part.training) for part in module.modules()] if module is not None else []
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def evaluate(function: Callable, at: np.ndarray) -> np.ndarray:
    """The values of ``function`` at points (N, D), given to it on its own device and in its own dtype.

    A map that returns a pair, as ``encode`` and ``decode`` do, counts by its first part.

    >>> evaluate(lambda x: (2 * x, None), np.ones((1, 2)))
    array([[2., 2.]])
    """
    module = owner(function)
    like = torch.empty(0)
    if module is not None:
        held = [*module.parameters(), *module.buffers()]
        like = next((t for t in held if t.is_floating_point()), like)
    parts = []
    with resting(module):
        for part in torch.from_numpy(at).to(like).split(CHUNK):
            value = function(part)
            parts.append(array(value[0] if isinstance(value, tuple) else value))
    return np.concatenate(parts)


def log_density(function: Callable | nn.Module | Distribution, at: np.ndarray) -> np.ndarray:
    """Log-density at points (N, D): shape (N,); -inf, not an error, outside a torch distribution's support.

    >>> log_density(torch.distributions.Exponential(1.0), np.array([[-1.0], [2.0]]))
    array([-inf,  -2.])
    """
    function = getattr(function, "log_prob", function)
    distribution = getattr(function, "__self__", None)
    if isinstance(distribution, Distribution) and not (distribution.batch_shape or distribution.event_shape):
        function = _everywhere(distribution)
    value = evaluate(function, at)
    if value.size != len(at):
        raise ValueError(f"log_prob should give one number for each of {len(at)} points, got shape {value.shape}")
    return value.reshape(-1)


def _everywhere(distribution: Distribution) -> Callable[[Tensor], Tensor]:
    """The log-density of a distribution of one number, extended by -inf to the whole line."""

    def log_prob(x: Tensor) -> Tensor:
        inside = distribution.support.check(x)
        value = torch.full_like(x, -torch.inf)
        value[inside] = distribution.log_prob(x[inside])
        return value

    return log_prob


def is_tensor_of_integers(values) -> bool:
    """Whether values are whole numbers by type, such as class labels."""
    values = values if isinstance(values, Tensor) else torch.as_tensor(values)
    return not (values.is_floating_point() or values.is_complex())
