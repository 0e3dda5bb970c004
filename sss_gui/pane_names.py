"""The four panes of both views, ways to look at a matte, words of an empty one: names in the program, order, titles."""

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

ALPHA_VIEWS = {
    "grey": "Grey",
    "red": "Red overlay",
    "checkerboard": "Checkerboard",
    "black": "On black",
    "white": "On white",
    "colour": "On a colour",
    "picture": "Over a picture",
}
"""Ways to look at a matte, in the order in which one key goes through them."""

OPACITY = 0.6
"""Of an overlay at first, and after a double click on its slider."""

WORKING = "Computing…"
STOPPED = "Stopped\nF5 runs it again"
"""Why a pane is empty."""
