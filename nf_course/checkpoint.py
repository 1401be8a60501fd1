"""Checkpoints that are whole or absent: written beside the old one, then put in its place in one step.

save_checkpoint(path, state), state = load_checkpoint(path); plain tensors and numbers, no pickled code.
Used by `fit`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write `state` to `path`. A crash or a full disk at any moment leaves the previous file as it was."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path, map_location: torch.device | str | None = None) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote. Errors: `ValueError` for a file that is cut short or something else."""
    try:
        state = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file can make the reader fail in any way
        raise ValueError(
            f"{path}: expected a checkpoint, got a file that cannot be read ({type(error).__name__}); "
            "it is left as it is: move it away to start afresh"
        ) from error
    if not isinstance(state, dict):
        raise ValueError(f"{path}: expected a checkpoint (a dict), got {type(state).__name__}")
    return state
