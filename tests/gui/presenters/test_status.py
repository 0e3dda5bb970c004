"""What the worker is at, in plain words."""

from __future__ import annotations

import pytest

from sss_gui.presenters.status import in_words


@pytest.mark.parametrize(
    ("stage", "words"),
    [("network", "Network"), ("network, step 2 of 4", "Network"), ("features", "Network"), ("filter", "Guided filter"),
     ("guided filter", "Guided filter"), ("refine", "PCA"), ("gather", "PCA"), ("Reading", "Reading"),
     ("Writing a-features.npz", "Writing a-features.npz"), ("", "")],
)  # fmt: skip
def test_stages_are_plain_words(stage, words):
    assert in_words(stage) == words
