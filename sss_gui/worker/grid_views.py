"""Boxes in the photograph's pixels and in the cells of its maps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sss_gui.requests.panes import View

if TYPE_CHECKING:
    from sss_model.projection.feature_views import FeatureViews  # loads torch


def view_on_grid(view: View, figure: FeatureViews) -> View:
    """A view in cells of the maps instead of pixels of the photograph."""
    (x0, y0, x1, y1), scale = view
    across, down = figure.image.shape[1] / figure.size[1], figure.image.shape[0] / figure.size[0]
    box = (int(x0 * across), int(y0 * down), math.ceil(x1 * across), math.ceil(y1 * down))
    return box, scale / across


def box_on_picture(box: tuple[float, float, float, float], figure: FeatureViews) -> tuple[float, float, float, float]:
    """The pixels of the photograph that a box of cells covers."""
    across, down = figure.size[1] / figure.image.shape[1], figure.size[0] / figure.image.shape[0]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down
