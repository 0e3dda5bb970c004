"""The network that weighs cues: against torch, through its file, and what it is shipped to know."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.numpy import save_file

from sss_model.matting.cues import Situation, cues
from sss_model.matting.judge import FARTHEST, Judge, read_judge, shipped_judge
from sss_model.matting.parts import cut_parts
from sss_model.matting.solve import judged, relaxed


def test_a_judge_answers_as_torch_does_and_as_its_file(tmp_path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1))
    values = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32) * 3
    mean, deviation = values.mean(0), values.std(0)
    layers = tuple((net[k].weight.detach().numpy().T, net[k].bias.detach().numpy()) for k in (0, 2))
    judge = Judge(mean, deviation, layers)
    with torch.no_grad():
        expected = net(torch.from_numpy(((values - mean) / deviation).clip(-FARTHEST, FARTHEST)))[:, 0].numpy()
    np.testing.assert_allclose(judge.odds(values), expected, atol=1e-5)
    save_file(judge.tensors(), tmp_path / "judge.safetensors")
    np.testing.assert_array_equal(read_judge(tmp_path / "judge.safetensors").odds(values), judge.odds(values))


def test_cues_do_not_know_the_features_unit() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((60, 70, 3), dtype=np.float32)
    features = rng.normal(size=(60, 70, 6))
    turned = features @ np.linalg.qr(rng.normal(size=(6, 6)))[0] * 50 + 7
    found = []
    for each in (features, turned):
        parts = cut_parts(image, each)
        marks = np.zeros(parts.count, np.int8)
        marks[40], marks[5] = 1, -1
        found.append(cues(parts, Situation(marks, np.linspace(0, 1, parts.count), np.array([40]), True)))
    assert found[0].shape[1] == len(shipped_judge().mean)
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_relaxed_alphas_are_the_minimum_of_their_energy() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((30, 30, 3), dtype=np.float32)
    parts = cut_parts(image, image)
    odds, marks = rng.normal(size=parts.count) * 2, np.zeros(parts.count, np.int8)
    marks[3], marks[50] = 1, -1
    alpha = relaxed(parts, odds, marks)
    assert alpha[3] == 1
    assert alpha[50] == 0
    i, j = parts.pairs.T
    alike = np.exp(-6 * parts.feature_steps - 200 * parts.colour_steps**2) * parts.borders
    p = 1 / (1 + np.exp(-odds))

    def energy(a: np.ndarray) -> float:
        return float((alike * (a[i] - a[j]) ** 2).sum() + (0.3 * np.abs(2 * p - 1) * (a - (p > 0.5)) ** 2).sum())

    for _ in range(20):
        other = np.clip(alpha + rng.normal(0, 0.01, parts.count) * (marks == 0), 0, 1)
        assert energy(alpha) <= energy(other) + 1e-9


def test_the_shipped_judge_takes_what_is_marked_and_like_it() -> None:
    image = np.full((60, 80, 3), 0.3, np.float32)
    image[20:40, 30:60] = (0.9, 0.4, 0.1)
    image += np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    parts = cut_parts(image, image)
    marks = np.zeros(parts.count, np.int8)
    under = parts.labels[30, 45]
    marks[under] = 1
    odds = judged(parts, Situation(marks, None, np.array([under]), True))
    alpha = relaxed(parts, odds, marks)[parts.labels]
    assert (alpha[22:38, 32:58] > 0.5).mean() > 0.95
    assert (alpha[:15] > 0.5).mean() < 0.05
