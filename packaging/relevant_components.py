"""Weigh features by what tells regions apart: python packaging/relevant_components.py MODEL OUT --config FILE

Relevant component analysis (Bar-Hillel, Hertz, Shental and Weinshall, "Learning distance functions using equivalence
relations", ICML 2003) measures how features vary within what is one thing, S, the mean covariance of a region's
pixels, and takes S^(-1/2) f in place of f: directions that wander inside of regions count less in every distance. Here
S^(-POWER/2); 1 is the method as published, 0 changes nothing. The matrix goes into the network's last layer, so that
the new model has the old one's size and speed, and its features are the old ones times an invertible matrix. The
spread of all features together stays what it was.

The crops and their pixels are those that `sss-train --config FILE` would train on, every instance a region of its own.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.datasets.dataset import describe, open_datasets
from sss_model.datasets.pair_sampling import VOID
from sss_model.network.grid_maps import FeatureNet
from sss_model.network.supplement import SupplementNet
from sss_model.training.config import read_config, with_config
from sss_model.training.data_loading import BatchDataset
from sss_model.training.params import TrainParams
from sss_model.training.sampled_features import SampledFeatures
from sss_model.weights.checkpoint import load_network, write_checkpoint

FEWEST = 8  # pixels of a region

Matrix = NDArray[np.float64]
Piece = tuple[NDArray[np.floating], NDArray[np.int64]]


def sampled(network: FeatureNet, batches: BatchDataset, crops: int, scales: tuple[float, ...]) -> Iterable[Piece]:
    """Of each crop the features (P, D) of its sampled pixels, and their labels and parts (P, 2)."""
    model = SampledFeatures(network, scales)
    for k in range(crops):
        batch = batches[k]
        points = torch.from_numpy(batch.points.reshape(1, -1, 2))
        with torch.inference_mode():
            features = model(torch.from_numpy(batch.image)[None], points)[0]
        yield features.numpy(), np.stack([batch.labels.ravel(), batch.parts.ravel()], 1)


def scatters(pieces: Iterable[Piece]) -> tuple[Matrix, Matrix, int]:
    """Mean covariance (D, D) within regions, that of all pixels of a crop, and how many regions there were.

    Parameters
    ----------
    pieces : features (P, D) and (P, 2) label and part of each, of as many crops
    """
    within: list[Matrix] = []
    whole: list[Matrix] = []
    for features, numbers in pieces:
        values = features.astype(np.float64)
        known = numbers[:, 0] != VOID
        for region in np.unique(numbers[known], axis=0):
            own = values[(numbers == region).all(1)]
            if len(own) >= FEWEST:
                within.append(np.cov(own, rowvar=False))
        whole.append(np.cov(values, rowvar=False))
    if not within:
        raise SystemExit(f"None of the crops has a region of at least {FEWEST} pixels.")
    return np.mean(within, 0), np.mean(whole, 0), len(within)


def weighing(within: Matrix, whole: Matrix, power: float, shrink: float) -> Matrix:
    """The symmetric matrix (D, D) by which features are multiplied.

    Parameters
    ----------
    shrink : share of a multiple of the identity in `within`, which keeps directions that hardly vary from counting most
    """
    size = len(within)
    values, vectors = np.linalg.eigh((1 - shrink) * within + shrink * np.trace(within) / size * np.eye(size))
    matrix = (vectors * values ** (-power / 2)) @ vectors.T
    return matrix * float(np.sqrt(np.trace(whole) / np.trace(matrix @ whole @ matrix)))


@torch.no_grad()
def fold(network: SupplementNet, matrix: Matrix) -> None:
    """Let `network` give `matrix` f where it gave f."""
    layer, factor = network.project, torch.from_numpy(matrix)
    layer.weight.copy_(torch.einsum("ij,jkhw->ikhw", factor, layer.weight.double()))
    if layer.bias is not None:
        layer.bias.copy_(factor @ layer.bias.double())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", required=True, help="recipe of sss-train, whose data sets and crops are taken")
    parser.add_argument("--power", type=float, default=0.5, help="0 leaves features as they are, 1 evens them out")
    parser.add_argument("--shrink", type=float, default=0.1, help="share of the identity")
    parser.add_argument("--crops", type=int, default=1408)
    options = parser.parse_args(arguments)
    params = with_config(TrainParams(), read_config(options.config))
    params = replace(params, sampling=replace(params.sampling, contrast="instance", border_windows=0))
    network, checkpoint = load_network(options.model)
    if not isinstance(network, SupplementNet):
        raise SystemExit(f"{options.model.name} has no last layer that a matrix could go into.")
    data = open_datasets(
        params.data, part="train", holdout=params.run.holdout, on_bad=params.run.on_bad, warn=lambda text: print(text)
    )
    pieces = sampled(network, BatchDataset(data, params), options.crops, params.augment.scales)
    within, whole, regions = scatters(pieces)
    fold(network, weighing(within, whole, options.power, options.shrink))
    told = {
        "command": shlex.join(["relevant_components.py", *(sys.argv[1:] if arguments is None else arguments)]),
        "power": options.power, "shrink": options.shrink, "crops": options.crops, "regions": regions,
        "data": describe(data),
    }  # fmt: skip
    write_checkpoint(options.out, network, {**checkpoint.metadata, "relevant_components": told})
    print(f"{options.out}: {regions} regions of {options.crops} crops.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
