"""StyleEditor: change what a picture shows by moving its latent through a flow, out with what it is, in with what it
shall be.

z = encode(w | a_source),  w' = decode(z | a_target);  the same w if the two are equal, and w again on the way back.
Chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nf_course.attributes import ATTRIBUTES
from nf_course.continuous import ContinuousFlow
from nf_course.expect import expect_context, expect_finite, expect_floating
from nf_course.flow import Flow
from nf_course.solvers import RK4, Dopri5

__all__ = ["FlowEdit", "StyleEditor"]

Edit = Callable[[Tensor, Tensor, Tensor], Tensor]  # (w, source, target) -> w'


class FlowEdit:
    r"""An edit by a conditional flow: take the source attributes out of w, put the target ones in.

    .. math:: z = f(w;\, a_\text{source}), \qquad w' = f^{-1}(z;\, a_\text{target})

    Equal attributes give w back, and exchanged ones undo the edit, both up to the solver: z is what w has besides its
    attributes. One map with the target alone, w' = f^{-1}(w; a_target), does neither.
    A continuous flow runs with `solver`, by default finer than in training, and without its trace: no density is asked
    for. Shapes: w and w' (N, D), source and target (N, K). Cost: one encode and one decode, without gradients.
    Source: Abdal et al., 2021 (arXiv 2008.02401), section 3.

    >>> from nf_course import models, randomise
    >>> edit = FlowEdit(randomise(models.styleflow(features=10, context_features=2, hidden=(16,)), seed=0))
    >>> w, a, b = torch.ones(3, 10), torch.zeros(3, 2), torch.ones(3, 2)
    >>> there = edit(w, a, b)
    >>> torch.allclose(there, w), torch.allclose(edit(there, b, a), w, atol=1e-3)
    (False, True)
    """

    def __init__(self, flow: Flow, solver: RK4 | Dopri5 | None = None) -> None:
        self.flow, self.solver = flow, RK4(steps=8) if solver is None else solver

    def __call__(self, w: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """w', (N, D), for latents w and their attributes as they are and as they shall be."""
        return self.decode(self.encode(w, source), target)

    @torch.no_grad()
    def encode(self, w: Tensor, source: Tensor) -> Tensor:
        """z, (N, D): what w has besides the attributes `source`."""
        bijection = self.flow.bijection
        if isinstance(bijection, ContinuousFlow):
            return self._fine(bijection).path(w, bijection.span, source)[-1]
        return bijection.encode(w, source)[0]

    @torch.no_grad()
    def decode(self, z: Tensor, target: Tensor) -> Tensor:
        """w, (N, D), with the attributes `target` and all else as z says."""
        bijection = self.flow.bijection
        if isinstance(bijection, ContinuousFlow):
            return self._fine(bijection).path(z, bijection.span[::-1], target)[-1]
        return bijection.decode(z, target)[0]

    def _fine(self, bijection: ContinuousFlow) -> ContinuousFlow:
        return ContinuousFlow(bijection.field, self.solver, bijection.trace, bijection.span)


class StyleEditor:
    """Edits of latents by the names of attributes, with any generator and any measures.

    `flow` is a conditional `Flow`, or any `edit(w, source, target) -> w'`, as those of `nf_course.edit_baselines`;
    `generator` any function w -> images; `attributes` any function images -> (N, K), the numbers that the flow was
    trained with, in deviations from their mean; `names` are those of the K attributes. Pictures are drawn
    `batch_size` at a time, and not kept.

    A StyleGAN plugs in by one function, which repeats w for each of its layers and brings the colours to 0 to 1:
    `StyleEditor(flow, lambda w: stylegan.synthesis(w[:, None].expand(-1, 18, -1)) / 2 + 0.5, attributes, names)`.

    Shapes: w (N, D), attributes (N, K). Errors: `ValueError` for an unknown attribute, attributes of another number,
    NaN. Cost: one call of the generator to measure, and the edit. Source: as for `FlowEdit`. Chapter 12.

    >>> from nf_course import data, models
    >>> from nf_course.attributes import standard_attributes
    >>> editor = StyleEditor(models.styleflow(hidden=(16,)), data.face_generator(), standard_attributes)
    >>> w = torch.zeros(1, 100)
    >>> torch.equal(editor.edit(w, {"warmth": 1.0}), w)  # a flow that has learned nothing moves nothing
    True
    """

    def __init__(
        self,
        flow: Flow | Edit,
        generator: Callable[[Tensor], Tensor],
        attributes: Callable[[Tensor], Tensor],
        names: Sequence[str] = ATTRIBUTES,
        batch_size: int = 64,
    ) -> None:
        if not (isinstance(flow, Flow) or callable(flow)):
            raise TypeError(f"StyleEditor: expected a Flow or edit(w, source, target), got {type(flow).__name__}")
        if isinstance(flow, Flow) and flow.context_features != len(names):
            raise ValueError(
                f"StyleEditor: expected a flow given {len(names)} attributes ({', '.join(names)}), "
                f"got one given {flow.context_features}"
            )
        self.move = FlowEdit(flow) if isinstance(flow, Flow) else flow
        self.generator, self.attributes = generator, attributes
        self.names, self.batch_size = tuple(names), batch_size

    def edit(self, w: Tensor, change: Mapping[str | int, float | Tensor], source: Tensor | None = None) -> Tensor:
        """w' whose picture has the attributes in `change` at their new values, and the others as they were.

        `change` gives new values by name or place, in deviations from the mean, one number or one for each row.
        `source` are the attributes that w is taken to have; by default they are measured on its picture. After an
        edit there are two answers. `source=editor.target(...)`, what was aimed at, goes on in the flow's own terms:
        edits in any order lead to the same w', and all can be undone. Measured again, `source=None`, the second edit
        starts from what the first one reached, and mends where it fell short if the target is given again.
        """
        expect_floating(w, "StyleEditor.edit")
        expect_finite(w, "StyleEditor.edit")
        source = self.measure(w) if source is None else source
        return self.move(w, source, self.target(source, change))

    def undo(self, edited: Tensor, change: Mapping[str | int, float | Tensor], source: Tensor) -> Tensor:
        """The w that `edit(w, change, source)` made `edited` of, up to the solver's error."""
        expect_floating(edited, "StyleEditor.undo")
        return self.move(edited, self.target(source, change), source)

    def measure(self, w: Tensor) -> Tensor:
        """The attributes of the pictures of w, (N, K), as `attributes` gives them."""
        expect_floating(w, "StyleEditor.measure")
        with torch.no_grad():
            found = torch.cat([self.attributes(self.generator(rows)) for rows in w.split(self.batch_size)])
        self._check(found, len(w), "the attributes measured")
        return found

    def target(self, source: Tensor, change: Mapping[str | int, float | Tensor]) -> Tensor:
        """`source`, (N, K), with the new values of `change` in their places."""
        self._check(source, len(source), "source")
        target = source.clone()
        for name, value in change.items():
            target[:, self.index(name)] = torch.as_tensor(value, dtype=target.dtype, device=target.device)
        expect_finite(target, "StyleEditor (the target attributes)")
        return target

    def index(self, name: str | int) -> int:
        """The place of an attribute, by name or by place."""
        if name in self.names:
            return self.names.index(name)
        if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(self.names):
            return name
        places = f"0 to {len(self.names) - 1}"
        raise ValueError(f"StyleEditor: expected an attribute, {', '.join(self.names)} or {places}, got {name!r}")

    def _check(self, attributes: Tensor, rows: int, what: str) -> None:
        expect_context(attributes, len(self.names), rows, f"StyleEditor ({what})")
