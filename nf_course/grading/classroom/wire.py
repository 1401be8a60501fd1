"""What crosses the border of the sandbox: JSON and the raw bytes of tensors, every length checked; no pickle.

A frame is  b"NFC1", length of the JSON, number of blobs, the length of each, then the JSON and the blobs themselves.
"""

from __future__ import annotations

import dataclasses
import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nf_course.grading import parts

__all__ = ["MOST_BYTES", "WireError", "pack", "receive", "send", "unpack"]

MOST_BYTES = 64 * 2**20  # of one frame; the largest case of an exercise has a hundredth of it
MOST_TEXT = 4 * 2**20  # of its JSON alone, which takes a hundred times that when it is read
MOST_BLOBS, MOST_ITEMS, DEEPEST, LONGEST = 4096, 20_000, 32, 2000
MAGIC = b"NFC1"

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
CONSTANTS = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}


class WireError(ValueError):
    """A frame, or what it says, is not of the form that was agreed on."""


# --- frames


def send(end: socket.socket, message: Any, blobs: list[bytes], until: float) -> None:
    """One frame, whole, before the monotonic clock says `until`. Errors: as for `receive`."""
    text = json.dumps(message, allow_nan=False).encode()
    head = MAGIC + struct.pack("<IH", len(text), len(blobs)) + b"".join(struct.pack("<I", len(b)) for b in blobs)
    if len(text) + sum(map(len, blobs)) > MOST_BYTES or len(blobs) > MOST_BLOBS:
        raise WireError(f"a frame of more than {MOST_BYTES >> 20} MiB")
    end.settimeout(max(until - time.monotonic(), 0.001))
    try:
        end.sendall(b"".join((head, text, *blobs)))
    except TimeoutError:
        raise
    except OSError as error:
        raise EOFError from error


def receive(end: socket.socket, until: float, most_text: int = MOST_TEXT) -> tuple[Any, list[bytes]]:
    """The next frame, whole, before the monotonic clock says `until`, with JSON of at most so many bytes.

    Errors: `TimeoutError`; `EOFError` where the other side is gone; `WireError` for a frame that is none.
    """
    head = _exactly(end, 10, until)
    if head[:4] != MAGIC:
        raise WireError("no frame")
    length, count = struct.unpack("<IH", head[4:])
    if count > MOST_BLOBS or length > most_text:
        raise WireError("a frame that is too large")
    sizes = struct.unpack(f"<{count}I", _exactly(end, 4 * count, until))
    if length + sum(sizes) > MOST_BYTES:
        raise WireError("a frame that is too large")
    text = _exactly(end, length, until)
    blobs = [_exactly(end, size, until) for size in sizes]
    try:
        return json.loads(text), blobs
    except (ValueError, RecursionError) as error:
        raise WireError("a frame whose JSON cannot be read") from error


def _exactly(end: socket.socket, count: int, until: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        end.settimeout(left)
        try:
            more = end.recv(min(count - len(data), 2**20))
        except TimeoutError:
            raise
        except OSError as error:  # reset: the other side died while it spoke
            raise EOFError from error
        if not more:
            raise EOFError
        data += more
    return bytes(data)


# --- values


def pack(value: Any, blobs: list[bytes]) -> Any:
    """Plain JSON, with every tensor as the number of its bytes in `blobs`; what has no such form becomes its name."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int and abs(value) < 2**63:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is str:
        return value[:LONGEST]
    for name, constant in CONSTANTS.items():
        if value is constant:
            return {"constant": name}
    if type(value) in (Tensor, torch.nn.Parameter):
        return _pack_tensor(value, blobs)
    if isinstance(value, Tensor):
        return {"subclass": type(value).__name__}
    if (type(value) is np.ndarray or isinstance(value, np.generic)) and value.dtype.name in DTYPES:
        array = torch.from_numpy(np.array(value, copy=True))
        return {"numpy": _pack_tensor(array, blobs), "scalar": isinstance(value, np.generic)}
    if isinstance(value, torch.Generator):
        return {"generator": _pack_tensor(value.get_state(), blobs)}
    if isinstance(value, parts.Part) and type(value).__name__ in parts.__all__:
        fields = {f.name: pack(getattr(value, f.name), blobs) for f in dataclasses.fields(value)}
        return {"part": type(value).__name__, "fields": fields}
    if isinstance(value, tuple | list):  # a named tuple too: what counts is what is in it
        kind = "tuple" if isinstance(value, tuple) else "list"
        if len(value) > MOST_ITEMS:
            return {"opaque": f"{kind} of {len(value)}", "callable": False}
        return {kind: [pack(item, blobs) for item in value]}
    return {"opaque": type(value).__name__, "callable": callable(value)}


def _pack_tensor(tensor: Tensor, blobs: list[bytes]) -> dict[str, Any]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or dtype not in DTYPES:
        return {"unreadable": str(tensor.layout).removeprefix("torch."), "device": tensor.device.type}
    plain = tensor.detach().resolve_conj().resolve_neg()
    last = plain.ndim == 4 and plain.is_contiguous(memory_format=torch.channels_last)
    blobs.append(plain.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"tensor": len(blobs) - 1, "shape": list(plain.shape), "dtype": dtype, "channels_last": last}


class Opaque:
    """Stands for a value that does not cross the border. Its class bears the name of the class that it stands for."""


def unpack(value: Any, blobs: list[bytes]) -> Any:
    """What `pack` packed. Nothing in it is trusted: forms, lengths, dtypes and depths are all looked at."""
    return _Unpacker(blobs).value(value, 0)


class _Unpacker:
    def __init__(self, blobs: list[bytes]) -> None:
        self.blobs, self.items = list(blobs), 0

    def value(self, value: Any, depth: int) -> Any:
        self.items += 1
        if depth > DEEPEST or self.items > MOST_ITEMS:
            raise WireError("a value that is nested too deep, or too long")
        if not isinstance(value, dict):
            if isinstance(value, list) or (isinstance(value, str) and len(value) > LONGEST):
                raise WireError("a value of no known form")
            if type(value) is int and abs(value) >= 2**63:
                raise WireError("a number that is too large")
            return value
        kind = next(iter(value), None)
        reader = getattr(self, f"_{kind}", None) if isinstance(kind, str) and kind in _KINDS else None
        if reader is None:
            raise WireError("a value of no known kind")
        try:
            return reader(value, depth)
        except (KeyError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            raise WireError(f"a {kind} that is none") from error

    def _float(self, value, depth):
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[value["float"]]

    def _constant(self, value, depth):
        return CONSTANTS[value["constant"]]

    def _tensor(self, value, depth):
        place, shape, dtype = value["tensor"], value["shape"], DTYPES[value["dtype"]]
        if not all(type(n) is int and 0 <= n < 2**40 for n in (place, *shape)) or len(shape) > 32:
            raise WireError("a tensor that is none")
        if math.prod(max(n, 1) for n in shape) > MOST_BYTES:  # of an empty one too: torch counts its strides
            raise WireError("a tensor that is too large")
        data, self.blobs[place] = self.blobs[place], b""  # once each: a thousand copies of one would fill the memory
        if math.prod(shape) * dtype.itemsize != len(data):
            raise WireError("a tensor whose bytes do not fit its shape")
        flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
        tensor = flat.reshape(shape)
        last = value.get("channels_last") is True and tensor.ndim == 4
        return tensor.contiguous(memory_format=torch.channels_last) if last else tensor

    def _unreadable(self, value, depth):
        if value["unreadable"] == "strided":
            return torch.empty(2, device="meta")
        return torch.zeros(2).to_sparse()

    def _subclass(self, value, depth):
        return torch.zeros(0).as_subclass(type(_name(value["subclass"]), (Tensor,), {}))

    def _numpy(self, value, depth):
        array = self.value(value["numpy"], depth + 1).numpy()
        return array[()] if value["scalar"] is True and array.ndim == 0 else array

    def _generator(self, value, depth):
        return torch.Generator().set_state(self.value(value["generator"], depth + 1))

    def _part(self, value, depth):
        if value["part"] not in parts.__all__:
            raise WireError("a part of no known name")
        part = getattr(parts, value["part"])
        if not (isinstance(part, type) and issubclass(part, parts.Part) and dataclasses.is_dataclass(part)):
            raise WireError("a part of no known name")
        return part(**{name: self.value(field, depth + 1) for name, field in value["fields"].items()})

    def _tuple(self, value, depth):
        return tuple(self.value(item, depth + 1) for item in value["tuple"])

    def _list(self, value, depth):
        return [self.value(item, depth + 1) for item in value["list"]]

    def _opaque(self, value, depth):
        methods = {"__call__": lambda self: None} if value["callable"] is True else {}
        return type(_name(value["opaque"]), (Opaque,), methods)()


_KINDS = {
    *("float", "constant", "tensor", "unreadable", "subclass", "numpy", "generator", "part", "tuple", "list", "opaque"),
}


def _name(text: Any) -> str:
    """The name of a class, as a report may show it."""
    if not isinstance(text, str):
        raise WireError("a name that is none")
    return "".join(c for c in text[:40] if c.isprintable()) or "object"
