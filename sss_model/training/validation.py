"""Pair AUC on held-out pictures while training: the features, and the backbone's own taps as the yardstick."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sss_model.datasets.dataset import Dataset, Example
from sss_model.datasets.pair_sampling import choose_probe
from sss_model.errors import DatasetError
from sss_model.image_io import to_picture
from sss_model.network.grid_maps import FeatureNet, GridMap
from sss_model.network.supplement import SupplementNet
from sss_model.pca import fit_pca
from sss_model.postprocess import stretch
from sss_model.training.augment import shrink, to_array


@dataclass(frozen=True)
class Score:
    """Mean pair AUC over `images` pictures of a data set; `taps` is the backbone's own, untouched by any head."""

    images: int
    features: float
    taps: float | None

    def __str__(self) -> str:
        return f"{self.features:.4f}" + (f" (taps {self.taps:.4f})" if self.taps is not None else "")


def pair_auc(features: Tensor, labels: Tensor) -> float:
    """The chance that two pixels of one label are nearer than two of different labels; ties count half.

    Parameters
    ----------
    features : (P, D) floating; distances are Euclidean
    labels : (P,) integer, at least two different ones, at least one of them twice

    Examples
    --------
    >>> pair_auc(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([1, 1, 2, 2]))
    1.0
    """
    values = features.detach().double()
    values = values - values.mean(0)
    distances = torch.pdist(values)
    first, second = torch.triu_indices(len(labels), len(labels), 1, device=labels.device)
    same = labels[first] == labels[second]
    return chance_below(distances[same], distances[~same])


def chance_below(near: Tensor, far: Tensor) -> float:
    """The chance that one of `near` is below one of `far`, both (N,); ties count half."""
    far = far.sort().values
    below = torch.searchsorted(far, near, right=False)
    not_above = torch.searchsorted(far, near, right=True)
    return float(1 - (below + not_above).double().mean() / (2 * len(far)))


def probe_seed(name: str) -> int:
    """The seed of the picture `name`: its pixels are the same in every validation."""
    return zlib.crc32(name.encode())


def taps_at(taps: Sequence[GridMap], points: Tensor) -> Tensor:
    """The backbone's maps at `points` (1, P, 2), each scaled to unit length per pixel, concatenated: (1, P, C)."""
    return torch.cat([F.normalize(grid.at(points), dim=1) for grid in taps if grid.stride != (1, 1)], 1).transpose(1, 2)


@torch.no_grad()
def validate(
    network: FeatureNet,
    datasets: Sequence[Dataset],
    *,
    images: int,
    longest: int,
    device: torch.device,
    skip: Callable[[str], None] | None = None,
) -> dict[str, Score]:
    """Scores by data set, over those of its first `images` pictures that have two labels; absent without any.

    Parameters
    ----------
    skip : called with what is wrong with a picture that cannot be read and is left out; None raises `DatasetError`
    """
    was_training = network.training
    network.eval()
    scores = {}
    for data in datasets:
        aucs: list[tuple[float, float | None]] = []
        for index in range(min(images, len(data))):
            try:
                auc_pair = _one(network, data, index, longest, device)
            except DatasetError as error:
                if skip is None:
                    raise
                skip(f"{data.items[index].picture}: {error}")
                continue
            if auc_pair is not None:
                aucs.append(auc_pair)
        if aucs:
            taps = [t for _, t in aucs if t is not None]
            scores[data.name] = Score(
                len(aucs), float(np.mean([f for f, _ in aucs])), float(np.mean(taps)) if taps else None
            )
    network.train(was_training)
    return scores


def _one(
    network: FeatureNet, data: Dataset, index: int, longest: int, device: torch.device
) -> tuple[float, float | None] | None:
    """Pair AUC of features and taps on one picture."""
    example = shrink(data.read(index), longest)
    probe = choose_probe(example.labels, np.random.default_rng(probe_seed(example.name)))
    if probe is None:
        return None
    image = torch.from_numpy(to_array(example.picture))[None].to(device)
    points, labels = torch.from_numpy(probe.points)[None].to(device), torch.from_numpy(probe.labels)
    if not isinstance(network, SupplementNet):
        return pair_auc(network.features_at(network.branches(image), points)[0].float().cpu(), labels), None
    taps = network.taps(image)
    features = network.features_at(network.branches_of(taps, (image.shape[-2], image.shape[-1])), points)
    return pair_auc(features[0].float().cpu(), labels), pair_auc(taps_at(taps, points)[0].float().cpu(), labels)


@torch.no_grad()
def pca_pictures(
    network: FeatureNet, datasets: Sequence[Dataset], longest: int, device: torch.device
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Name and picture (H, 2 W, 3), image beside features, of the first readable picture of each data set."""
    network.eval()
    for data in datasets:
        first = _first_readable(data)
        if first is None:
            continue
        example = shrink(first, longest)
        image = torch.from_numpy(to_array(example.picture))[None].to(device)
        features = network(image)[0].permute(1, 2, 0).float().cpu().numpy()
        colours = stretch(fit_pca(features).project(features))
        yield data.name, np.concatenate([np.asarray(example.picture), to_picture(colours)], 1)


def _first_readable(data: Dataset) -> Example | None:
    for index in range(len(data)):
        with contextlib.suppress(DatasetError):
            return data.read(index)
    return None
