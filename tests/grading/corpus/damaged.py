"""Sheets with a few things changed, bytes or values of their JSON, as many as one likes: the fuzzer over notebooks."""

import copy
import json
import random
from pathlib import Path

SHEETS = sorted((Path(__file__).parents[3] / "solutions").glob("*.ipynb"))


def mutants(seed, count):
    """Sheets with a few things changed: bytes, or values of the JSON put in the place of others of another type."""
    chance = random.Random(seed)
    odd = [None, True, -1, 1e308, 10**40, "", "x" * 1000, "\0\ud800", [], {}, [[[]]], {"cells": []}, ["def f(): pass"]]
    for _ in range(count):
        data = chance.choice(SHEETS).read_bytes()
        if chance.random() < 0.5:
            data = bytearray(data)
            for _ in range(chance.randint(1, 5)):
                at = chance.randrange(len(data))
                end = at + chance.randint(1, 400)
                change = chance.randrange(4)
                data[at:end] = (bytes(chance.randrange(256) for _ in range(9)), b"", data[at:end] * 2, b'"]}')[change]
            yield bytes(data)
        else:
            whole = json.loads(data)
            for _ in range(chance.randint(1, 4)):
                node = whole
                while True:
                    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
                    if not keys:
                        break
                    key = chance.choice(keys)
                    if isinstance(node[key], dict | list) and chance.random() < 0.8:
                        node = node[key]
                        continue
                    node[key] = copy.deepcopy(chance.choice(odd))
                    break
            yield json.dumps(whole).encode("utf-8", "surrogatepass")
