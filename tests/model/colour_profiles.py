"""ICC profiles by hand, and the same colours by the published formulas."""

from __future__ import annotations

import struct

import numpy as np

# Primaries in XYZ adapted to D50 (Bruce Lindbloom's tables; Apple's profile), and the exponent of the curve.
ADOBE = ("Adobe RGB (1998)", [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)])
P3 = ("Display P3", [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)])
SRGB = ("Made here", [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)])
SRGB_PARA = (3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))  # Display P3 has this curve too
D50 = (0.9642, 1.0, 0.8249)


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*values)


def para(kind: int, values: tuple[float, ...]) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*values)


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def icc(name: str, primaries: list[tuple[float, ...]] | None, curve: bytes) -> bytes:
    """A display profile of curves and a matrix, or of grey (ICC.1, version 2 and 4)."""
    text = name.encode()
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"wtpt": xyz(*D50),
    }
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), (xyz(*p) for p in primaries), strict=True))
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, content in tags.items():
        table += struct.pack(">4sII", signature, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    body = struct.pack(">I", len(tags)) + table + data
    space = b"GRAY" if primaries is None else b"RGB "
    head = struct.pack(">I4sI4s4s4s12s4s4s", 128 + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ", bytes(12),
                       b"acsp", bytes(4))  # fmt: skip
    return (head + bytes(68 - len(head)) + fixed(*D50)).ljust(128, b"\0") + body


ADOBE_ICC, P3_ICC = icc(*ADOBE, gamma(563 / 256)), icc(*P3, para(*SRGB_PARA))


def encoded(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def decoded(colours: np.ndarray, profile: bytes) -> np.ndarray:
    if profile == ADOBE_ICC:
        return colours ** (563 / 256)
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def by_formula(colours: np.ndarray, profile: bytes) -> np.ndarray:
    primaries = np.array(ADOBE[1] if profile == ADOBE_ICC else P3[1]).T
    return encoded(decoded(colours, profile) @ (np.linalg.inv(np.array(SRGB[1]).T) @ primaries).T)


def rolled(light: np.ndarray) -> np.ndarray:
    """Highlights that bend towards 1 from 0.8 on."""
    return np.where(light > 0.8, 0.8 + 0.2 * (1 - np.exp(-(light - 0.8) / 0.2)), light)


def pq_light(values: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084 with its constants as fractions, over 203 cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = values ** (1 / m2)
    return 10000 / 203 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


BT2020_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def seen_of_pq(coded: np.ndarray) -> np.ndarray:
    """A PQ picture of BT.2020, (H, W, 3) in [0, 1], as sRGB."""
    light = pq_light(coded) @ BT2020_TO_709.T
    above = light[light > 0]
    gain = min(1, 0.5 / np.median(above)) if (above > 1).mean() > 0.1 else 1
    return encoded(rolled(np.maximum(light, 0) * gain))
