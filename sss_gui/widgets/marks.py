"""Colours and constants that several widgets share: pins, canvas, grid."""

from __future__ import annotations

from PySide6.QtGui import QColor

CANVAS = QColor(119, 119, 119)
"""Neutral mid-grey around pictures (sRGB of 18 % reflectance), in light and dark alike."""

# Okabe and Ito's colour-blind-safe set, ordered so that neighbours differ most
_PINS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00", "#FFFFFF")


def pin_colour(index: int) -> QColor:
    """The colour of pin `index` (from 0), the same in panes, plots and lists."""
    return QColor(_PINS[index % len(_PINS)])
