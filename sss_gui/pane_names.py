"""The four panes: their names in the program, in the order they stand in, and their titles in the window."""

from __future__ import annotations

PANE_TITLES = {"input": "Input", "random": "Random projection", "pca": "PCA", "filtered": "Guided filter + PCA"}
PANES = tuple(PANE_TITLES)
