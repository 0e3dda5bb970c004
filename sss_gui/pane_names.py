"""The four panes of both views: their names in the program, in the order they stand in, and their titles."""

from __future__ import annotations

PANE_TITLES = {"input": "Input", "random": "Random projection", "pca": "PCA", "filtered": "Guided filter + PCA"}
PANES = tuple(PANE_TITLES)

SEGMENT_TITLES = {
    "coloured": "Input in its layers' colours",
    "filtered": "Guided filter + PCA",
    "layers": "Layers",
    "matte": "Matte",
}
SEGMENT_PANES = tuple(SEGMENT_TITLES)
