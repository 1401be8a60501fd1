"""18.segments: how often to keep an activation, so that checkpoints take the least memory."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
With checkpoints, the inputs of every `k`-th layer are kept: of layers $0, k, 2k, \dots$, as far as there are any. On
the way back each stretch is run again with a graph, and while it is, the activations of all its layers are alive; let
those of one layer weigh as much as `weight` inputs. A stretch may be shorter at the end; the longest one counts,
together with all kept inputs.

For `layers` layers and this `weight`, return the pair `(every, memory)`: the `k` from 1 to `layers` that needs the
least memory, the smallest such `k` where there are several, and that memory, in inputs. Both are numbers. With
`layers = 10, weight = 1.0` the answer is `(3, 7.0)`: four inputs are kept, of layers 0, 3, 6 and 9, and three layers
are alive.
"""

HINTS = (
    "How many of the numbers 0, k, 2k, ... lie below `layers`? Try k = 3 for 10 layers, by hand.",
    "memory(k) = ceil(layers / k) + k * weight. The square root tells where the minimum of the smooth curve is, and "
    "whole numbers have their own mind: look at all k.",
    "min(range(1, layers + 1), key=lambda k: -(-layers // k) + k * weight), and the value there; min takes the first.",
)


def best_segments(layers, weight):
    def memory(k):
        return math.ceil(layers / k) + k * weight

    every = min(range(1, layers + 1), key=memory)
    return every, memory(every)


def cases(draw):
    """Few and many layers, light and heavy ones, ties among them, and one layer alone."""
    fixed = ((10, 1.0), (1, 2.0), (2, 1.0), (12, 1.0), (128, 6.5), (7, 0.25), (100, 40.0), (5, 9.0), (24, 0.1))
    fixed += ((182, 3.7),)  # 182 / 7 in float32
    drawn = tuple((draw.integer(20, 300), draw.uniform(0.3, 8.0, 1).item()) for _ in range(6))
    return [Case(pair) for pair in fixed + drawn]


def no_other_is_better(ask, draw):
    """Against memory counted by walking through the layers, for every k."""
    for _ in range(4):
        layers, weight = draw.integer(3, 40), draw.uniform(0.2, 5.0, 1).item()
        every, memory = (float(value) for value in ask(layers, weight))
        walked = {}
        for k in range(1, layers + 1):
            kept = [layer for layer in range(layers) if layer % k == 0]
            longest = max(min(first + k, layers) - first for first in kept)
            walked[k] = len(kept) + longest * weight
        best = min(walked.values())
        near = 1e-5 * best  # memory may have been counted in float32
        if abs(memory - best) > near or abs(walked.get(round(every), math.inf) - best) > near:
            return Finding("property", f"{best:.4f} inputs, counted layer by layer", f"{memory:.4f} at k = {every:g}")
    return None


def _least(memory, ks=lambda layers: range(1, layers + 1), after=lambda every, memory: (every, memory)):
    """An answer that takes the least of another memory."""

    def answer(layers, weight):
        every = min(ks(layers), key=lambda k: memory(layers, k, weight))
        return after(every, memory(layers, every, weight))

    return answer


def _memory(layers, k, weight):
    return math.ceil(layers / k) + k * weight


def _root(rounded):
    def answer(layers, weight):
        every = min(max(rounded(math.sqrt(layers / weight)), 1), layers)
        return every, _memory(layers, every, weight)

    return answer


def _single(layers, weight):
    """As torch.ceil(layers / k) counts in float32: a whole number may come out one too large."""
    k = torch.arange(1, layers + 1, device="cpu", dtype=torch.float32)
    memory = torch.ceil(layers * k.reciprocal()) + k * weight
    every = memory.argmin()
    return k[every], memory[every]


_ROWS = (
    (
        "floor",
        "a shorter stretch at the end has an input of its own: layers / k is rounded up",
        _least(lambda layers, k, weight: layers // k + k * weight),
    ),
    (
        "no_rounding",
        "there are no fractions of an input: layers / k is rounded up",
        _least(lambda layers, k, weight: layers / k + k * weight),
        lambda layers, weight: (math.sqrt(layers / weight), 2 * math.sqrt(layers * weight)),
    ),
    (
        "one_less",
        "layer 0 is one of those whose input is kept: 0, k, 2k, ...",
        _least(lambda layers, k, weight: (layers - 1) // k + k * weight),
    ),
    (
        "one_more",
        "what comes out of the last layer is not kept: only inputs of layers below `layers`",
        _least(lambda layers, k, weight: layers // k + 1 + k * weight),
        _least(lambda layers, k, weight: _memory(layers, k, weight) + 1),
    ),
    (
        "no_weight",
        "the activations of a layer weigh `weight` inputs, not one",
        _least(lambda layers, k, weight: math.ceil(layers / k) + k),
    ),
    (
        "weight_on_inputs",
        "`weight` belongs to the layers of the stretch that is run again, not to the inputs that are kept",
        _least(lambda layers, k, weight: weight * math.ceil(layers / k) + k),
        _least(lambda layers, k, weight: weight * (math.ceil(layers / k) + k)),
    ),
    (
        "square_root",
        "the root of layers / weight is the minimum of a smooth curve: with whole numbers, compare all k",
        _root(round),
        _root(math.floor),
        _root(math.ceil),
    ),
    (
        "last_of_several",
        "where several k need the same, the smallest is asked for",
        _least(_memory, lambda layers: range(layers, 0, -1)),
    ),
    (
        "only_every",
        "all layers at once is one of the choices, k = layers, and so is k = 1",
        _least(_memory, lambda layers: range(2, layers) if layers > 2 else [2]),
    ),
    (
        "single",
        "layers / k in float32 may come out just above a whole number, and is rounded up once too often: count by "
        "-(-layers // k), or in float64",
        _single,
    ),
    (
        "swapped",
        "the two results are exchanged: first k, then the memory",
        _least(_memory, after=lambda every, memory: (memory, every)),
    ),
)

EXERCISE = Exercise(
    id="18.segments",
    title="How often to keep an activation",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-18-inversion",
    task=TASK,
    hints=HINTS,
    references=(best_segments,),
    returns=("every", "memory"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=no_other_is_better,
)
