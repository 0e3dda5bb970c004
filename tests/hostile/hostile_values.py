"""Seeded generators of hostile bytes and values, which all kinds share."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

ODD = (
    None, True, False, 0, -1, 3, 2**31, 2**63, 2**64, 10**30, 10**400, -(10**400), 0.5, -0.5, 1e308, 1e-320,
    float("nan"),
    float("inf"), float("-inf"), "", "HWD", "nan", "../../etc/passwd", "\u0000", "\ud800", "x" * 5000, [], {}, [[]],
    [None], {"": None}, [1, [2, [3]]], [float("nan")] * 3,
)  # fmt: skip


def damaged(data: bytes, rng: np.random.Generator, *, reach: int = 300) -> bytes:
    """`data` with bits flipped, a piece cut out, doubled or zeroed, or its end cut off; headers are hit more often."""
    broken = bytearray(data)
    reach = len(broken) if rng.random() < 0.3 else min(len(broken), reach)
    for _ in range(int(rng.integers(1, 4))):
        place, size = int(rng.integers(0, max(1, reach))), int(rng.integers(1, 40))
        match int(rng.integers(0, 5)):
            case 0:
                broken[place : place + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                broken[place : place + size] = bytes(size)
            case 2:
                del broken[place : place + size]
            case 3:
                broken[place:place] = broken[place : place + size]
            case _:
                broken[place : place + 4] = b"\xff\xff\xff\x7f"
    return bytes(broken[: int(rng.integers(1, len(broken) + 1))] if rng.random() < 0.2 else broken)


def odd_value(rng: np.random.Generator) -> Any:
    """A value that nobody expects: of another type, huge, not finite, empty, nested."""
    return copy.deepcopy(ODD[int(rng.integers(0, len(ODD)))])


def mutated(value: Any, rng: np.random.Generator) -> Any:
    """A copy of nested dicts and lists in which one to three nodes are odd, missing, doubled or renamed."""
    whole = [copy.deepcopy(value)]
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(whole))
        parent, key = places[int(rng.integers(0, len(places)))]
        match int(rng.integers(0, 5)):
            case 0 if parent is not whole:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[f"{key}x"] = parent.pop(key)
            case 2 if isinstance(parent, list) and parent is not whole:
                parent.append(copy.deepcopy(parent[key]))
            case _:
                parent[key] = odd_value(rng)
    return whole[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every node below `value`, as the container and the key that hold it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def json_of(value: Any, rng: np.random.Generator) -> str:
    """`value` as JSON, mutated; now and then nested too deep, with a number of too many digits, or damaged."""
    draw = rng.random()
    if draw < 0.05:
        return "[" * 100_000
    if draw < 0.1:
        return '{"a": ' * 100_000
    text = json.dumps(mutated(value, rng) if draw < 0.9 else value, ensure_ascii=bool(rng.random() < 0.5))
    if draw > 0.95:
        text = text.replace("1", "1" * 6000, 1)
    elif draw > 0.9:
        text = damaged(text.encode(errors="surrogatepass"), rng).decode("latin-1")
    return text
