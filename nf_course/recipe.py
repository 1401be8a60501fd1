"""Recipe: all that decides what comes out of a training run, but for the machine.

Chapters 4, 6, 8 and 11 to 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from nf_course import data
from nf_course.flow import Flow

__all__ = ["TRAINED", "Recipe"]

TRAINED = Path(__file__).parent / "trained"  # the weights that ship


@dataclass(frozen=True)
class Recipe:
    """All that decides what comes out of a training run, but for the machine."""

    name: str
    examples: Callable[..., Tensor | tuple[Tensor, Tensor]]  # ("train" | "valid" | "test", folder) -> x or (x, context)
    build: Callable[..., Flow]
    steps: int
    batch_size: int = 32
    lr: float = 3e-3
    shifts: int = 0  # training images are moved by up to so many pixels each way
    begin: Callable[[Flow], object] | None = None  # what is fitted in one go, before the first step
    loss: Callable[[Flow, Tensor, Tensor | None], Tensor] | None = None  # in place of the negative log-likelihood
    figures: Callable[[Flow], dict[str, float]] | None = None  # what else its card says, measured on held-out data
    folder: str = ""  # what the user must bring, in words; empty for data that ship

    def training_images(self, folder: str | Path | None = None) -> Tensor:
        """What `fit` is given: the training split, with its shifted copies."""
        images = self.load("train", folder)
        return data.shifted(images, self.shifts) if self.shifts else images

    def load(self, split: str, folder: str | Path | None = None) -> Tensor:
        """What the flow is a density of, in a split, from what ships or from the user's folder: uint8 for images."""
        examples = self._examples(split, folder)
        return examples if isinstance(examples, Tensor) else examples[0]

    def context(self, split: str, folder: str | Path | None = None) -> Tensor | None:
        """What is given for each of them, in the same order; None for a flow that is given nothing."""
        examples = self._examples(split, folder)
        return None if isinstance(examples, Tensor) else examples[1]

    def _examples(self, split: str, folder: str | Path | None) -> Tensor | tuple[Tensor, Tensor]:
        if self.folder and folder is None:
            raise ValueError(f"recipe {self.name!r}: expected a folder with {self.folder}; nothing is downloaded")
        return self.examples(split, folder) if self.folder else self.examples(split)
