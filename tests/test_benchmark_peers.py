"""The sampled step takes the literal one's gradients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from benchmark_peers import compare_steps
from made_sets import small_params


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("loss", ["eq1", "eq1-squared", "tanh"])
def test_gradients_are_those_of_the_full_resolution_head(loss: str) -> None:
    params = small_params(loss={"loss": loss}, sampling={"pixels": 200, "samplings": 3})
    assert compare_steps(params, side=72, repeats=1).gradient_difference < 1e-5
    assert compare_steps(params, side=40, repeats=1, double=True).gradient_difference < 1e-9
