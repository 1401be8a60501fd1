"""save_weights, load_weights: a trained flow in one small safetensors file, its large tensors in half precision.

Half precision rounds by a factor of 1 +- 2^-11; scales, shifts and log|s|, which enter log-dets, are kept whole.
Chapter 8.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

__all__ = ["load_weights", "save_weights"]

SMALL = 1024  # tensors of fewer numbers are kept whole


def save_weights(flow: nn.Module, path: str | Path) -> int:
    """Write all parameters and buffers of `flow` to `path`; the number of bytes written.

    >>> import tempfile
    >>> from nf_course import models
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(models.realnvp(2), f"{folder}/moons.safetensors") > 0
    True
    """
    path = Path(path)
    state = {}
    for name, tensor in flow.state_dict().items():
        half = tensor.dtype == torch.float32 and tensor.numel() >= SMALL
        state[name] = (tensor.half() if half else tensor).cpu().contiguous()
        if half and not torch.isfinite(state[name]).all():
            raise ValueError(f"save_weights: {name} does not fit half precision (or is not finite)")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    save_file(state, temporary)
    temporary.chmod(0o644)
    temporary.replace(path)  # what stood there is not lost before the new file is whole
    return path.stat().st_size


def load_weights(flow: nn.Module, path: str | Path) -> nn.Module:
    """Put what `save_weights` wrote into `flow`, in the flow's own precision; `flow`, in evaluation mode.

    Errors: `FileNotFoundError`; `ValueError` for a damaged file or weights of another model: `flow` stays as it is.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"load_weights: there is no file {path}")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: expected weights in safetensors form, got a file that cannot be read") from error
    own = flow.state_dict()
    odd = sorted(
        name
        for name in own.keys() | state.keys()
        if getattr(own.get(name), "shape", 0) != getattr(state.get(name), "shape", 1)
    )
    if odd:
        raise ValueError(
            f"{path}: expected the weights of this flow, got others: {len(odd)} names or shapes differ, e.g. {odd[0]!r}"
        )
    flow.load_state_dict(state)
    return flow.eval()
