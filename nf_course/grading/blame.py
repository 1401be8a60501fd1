"""The learner's own error in two lines: what it says, and which of his lines it comes from."""

from __future__ import annotations

import linecache
import os
import re
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from nf_course.grading.borrowed import Borrowed
from nf_course.grading.guard import OutOfTime
from nf_course.grading.parts import BadInput

__all__ = ["LearnerError", "blame"]


@dataclass(frozen=True)
class LearnerError:
    """An exception, as text: no object of the learner's lives on in it."""

    kind: str  # the name of its class
    message: str  # its first line
    where: str = ""  # "cell line 3: return s.sum(1)"
    blank: bool = False  # a form that was not filled in
    stopped: bool = False  # by the time limit or by the learner: nothing more is called
    likely: str = ""


# What the usual messages of torch and Python mean for somebody who sees them for the first time.
CAUSES = (
    (r"dtype.*(long int|bool)|expected scalar type (Long|Bool|Int)|not implemented for '(Long|Bool|Int)'",
     "whole numbers or booleans meet floats: indices and masks select, x[:, mask], and do not multiply matrices"),
    (r"same dtype|dtypes match|but found (Double|Float)|expected scalar type",
     "float32 meets float64: torch.eye, torch.zeros and torch.arange need dtype=x.dtype, device=x.device"),
    (r"same device|on different devices|but found at least two devices",
     "a tensor made on the CPU meets one on the GPU: make it with device=x.device"),
    (r"shape of the mask .* does not match",
     "a mask selects along its own dimension: over the features x[:, mask], not x[mask]"),
    (r"is out of bounds for dimension",
     "these indices belong to another dimension: dim 0 is the batch, x[:, index] picks features"),
    (r"must match the (existing )?size|Incompatible shapes|shapes cannot be multiplied|must be equal|size mismatch"
     r"|shape mismatch|not broadcastable",
     "two shapes do not fit: print the shapes on this line; dim 0 is the batch"),
    (r"out of range.*expected to be in range", "this dimension does not exist: print the shape of the tensor"),
    (r"'tuple' object has no attribute", "encode and decode return a pair: unpack it, z, ladj = ..."),
    (r"'(Layer|Base|Coupling)' object is not callable",
     "call one of its methods, encode, decode or log_prob"),
    (r"'(Layer|Base|Coupling)' object has no attribute",
     "what the check hands over has the methods that the task names, and no others"),
    (r"(input|matrix) is not positive-definite",
     "a covariance is (D, D), features by features, and of more rows than features: print the matrix on this line"),
    (r"(not enough|too many) values to unpack", "the number of names on the left is not what is returned"),
    (r"needed for gradient computation",
     "autograd still needs a tensor that is written to later, perhaps in other columns: put each step into a new "
     "tensor, or give the network a .clone()"),
    (r"in-?place", "an input is changed in place: work on a copy, x.clone()"),
    (r"Can't call numpy\(\)", "NumPy cuts the gradient: stay with torch"),
    (r"does not require grad",
     "autograd was asked about a tensor that it does not follow: write the formula out, or use torch.func.grad"),
    (r"Boolean value of Tensor.*ambiguous",
     "a whole tensor stands where one truth value is wanted; the opposite of a mask is ~mask"),
    (r"only one element tensors|only integer tensors",
     "a whole tensor stands where one number is wanted: torch.exp and torch.log take tensors, math.exp does not"),
)  # fmt: skip


def blame(error: BaseException, function: Callable) -> LearnerError:
    """Describe an exception that came out of `function`."""
    if isinstance(error, (OutOfTime, KeyboardInterrupt)):
        return LearnerError(type(error).__name__, "", _where(error, function), stopped=True)
    message = _text(error)
    return LearnerError(
        kind=type(error).__name__,
        message=message,
        where=_where(error, function),
        blank=_blank(error, message),
        likely=_likely(error, message),
    )


def _blank(error: BaseException, message: str) -> bool:
    """`raise NotImplementedError` in the learner's own lines. torch raises it too, where an operator has no kernel."""
    frames = traceback.extract_tb(error.__traceback__, limit=200)
    return (
        isinstance(error, NotImplementedError)
        and not (frames and _from_torch(frames[-1].filename))
        and not re.search(r"not implemented for '|^Could not run '", message)
    )


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:  # a __str__ that raises, be it SystemExit
        text = "(its message cannot be shown)"
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _likely(error: BaseException, message: str) -> str:
    if isinstance(error, BadInput):  # the message says the rest
        return "encode and decode return a pair: unpack it, z, ladj = ..." if message.endswith("given tuple") else ""
    if isinstance(error, Borrowed):
        return "write it yourself: an answer uses torch and what it is handed"
    if isinstance(error, NameError):
        return "a name is not defined: an import, a misspelling, or a cell above that has not been run"
    if isinstance(error, RecursionError):
        return "the function calls itself without end"
    if isinstance(error, SystemExit):
        return "the function must come back with a result"
    return next((cause for pattern, cause in CAUSES if re.search(pattern, message)), "")


_LIBRARIES = tuple(
    os.path.realpath(folder)
    for folder in {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        os.path.dirname(torch.__file__),
        Path(__file__).parent,
    }
)


def _from_torch(filename: str) -> bool:
    return os.path.realpath(filename).startswith(os.path.dirname(torch.__file__))


def _library(filename: str) -> bool:
    return filename.startswith("<frozen ") or os.path.realpath(filename).startswith(_LIBRARIES)


def _where(error: BaseException, function: Callable) -> str:
    """The innermost line that is the learner's: not torch's, not Python's, not ours."""
    frames = traceback.extract_tb(error.__traceback__, limit=200)
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    theirs = [f for f in frames if f.filename == own or not _library(f.filename)]
    if not theirs:
        return ""
    frame = theirs[-1]
    code = linecache.getline(frame.filename, frame.lineno or 0).strip()
    name = os.path.basename(frame.filename)
    in_cell = "ipykernel_" in frame.filename or name.startswith("<")
    return f"{'cell' if in_cell else name + ','} line {frame.lineno}" + (f": {code}" if code else "")
