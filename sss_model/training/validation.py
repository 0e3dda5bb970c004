"""Pair and edge AUC, drift and clicks on held-out pictures while training; the backbone's taps are the yardstick."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sss_model.datasets.border_sampling import choose_edge_pairs
from sss_model.datasets.dataset import Dataset, Example
from sss_model.datasets.pair_sampling import VOID, Probe, choose_probe
from sss_model.errors import DatasetError
from sss_model.image_io import to_picture
from sss_model.network.grid_maps import FeatureNet, GridMap
from sss_model.network.supplement import SupplementNet
from sss_model.pca import fit_pca
from sss_model.postprocess import stretch
from sss_model.training.augment import shrink, to_array
from sss_model.training.click_probe import probe_objects
from sss_model.training.sampled_features import SampledFeatures

DENSE_STRIDE = 6  # pixels from one whose features count for drift and clicks to the next
CLICKED = 2  # things of a picture that are clicked


@dataclass(frozen=True)
class Score:
    """Means over `images` pictures of a data set; None where none of them can tell.

    `features` and `taps` are pair AUC, of the features and of the backbone's own stages, untouched by any head; `edge`
    and `drift` are the features' edge AUC and drift, `click` and `clicks` the IoU of things after one click and after
    five (`click_probe`).
    """

    images: int
    features: float | None
    taps: float | None
    edge: float | None = None
    drift: float | None = None
    click: float | None = None
    clicks: float | None = None

    def __str__(self) -> str:
        names = {"features": "", "taps": "taps ", "edge": "edge ", "drift": "drift ", "click": "IoU after 1 click ",
                 "clicks": "after 5 "}  # fmt: skip
        told = [f"{title}{getattr(self, name):.4f}" for name, title in names.items() if getattr(self, name) is not None]
        return told[0] + (f" ({', '.join(told[1:])})" if len(told) > 1 else "")


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


def edge_auc(first: Tensor, second: Tensor, same: NDArray[np.bool_]) -> float:
    """The chance that two nearby pixels on one side of a border are nearer than two on different sides.

    Parameters
    ----------
    first, second : (P, D) floating, what the two pixels of each pair hold; distances are Euclidean
    same : (P,) which pairs are of one label; at least one is and one is not
    """
    distances = (first.detach().double() - second.detach().double()).norm(dim=1)
    one_side = torch.from_numpy(same)
    return chance_below(distances[one_side], distances[~one_side])


def drift(values: NDArray[np.float32], labels: NDArray[np.int32], *, min_share: float = 0.05) -> float | None:
    """How far features wander inside a large region, in units of the way to its neighbours; smaller is better.

    For each label with `min_share` of the picture: the root mean square distance of its pixels from their mean, over
    the mean distance from there to the means of the labels that touch it. The mean over those labels; None where no
    large label touches another.

    Parameters
    ----------
    values : (H, W, C) floating
    labels : (H, W), void is left out
    """
    kinds, places = np.unique(labels, return_inverse=True)
    places = places.reshape(labels.shape)
    sizes = np.bincount(places.ravel(), minlength=len(kinds))
    flat = torch.from_numpy(np.ascontiguousarray(values)).reshape(-1, values.shape[2])
    own = torch.from_numpy(places.ravel())
    counts = torch.from_numpy(sizes)[:, None]
    means = torch.zeros((len(kinds), values.shape[2])).index_add_(0, own, flat.float()) / counts
    squares = torch.zeros(len(kinds)).index_add_(0, own, (flat.float() - means[own]).square().sum(1))
    spread = (squares / counts[:, 0]).sqrt().numpy()
    touching = np.zeros((len(kinds), len(kinds)), bool)
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        touching[places[ahead], places[behind]] = True
    touching |= touching.T
    touching[kinds == VOID] = touching[:, kinds == VOID] = False
    np.fill_diagonal(touching, False)
    distances = torch.cdist(means, means).numpy()
    ratios = [
        spread[k] / float(distances[k, touching[k]].mean())
        for k in np.flatnonzero(sizes >= min_share * labels.size)
        if touching[k].any() and distances[k, touching[k]].mean() > 0
    ]
    return float(np.mean(ratios)) if ratios else None


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
    scales: Sequence[float] = (1.0,),
    skip: Callable[[str], None] | None = None,
) -> dict[str, Score]:
    """Scores by data set, over those of its first `images` pictures that can tell something; absent without any.

    Parameters
    ----------
    scales : the features are the mean of those at these times the picture's size
    skip : called with what is wrong with a picture that cannot be read and is left out; None raises `DatasetError`
    """
    was_training = network.training
    network.eval()
    scores = {}
    for data in datasets:
        found: list[Score] = []
        for index in range(min(images, len(data))):
            try:
                score = _one(network, data, index, longest, device, scales)
            except DatasetError as error:
                if skip is None:
                    raise
                skip(f"{data.items[index].picture}: {error}")
                continue
            if score is not None:
                found.append(score)
        if found:
            names = [field.name for field in fields(Score) if field.name != "images"]
            scores[data.name] = Score(len(found), *(_mean([getattr(score, name) for score in found]) for name in names))
    network.train(was_training)
    return scores


def _mean(values: Sequence[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return float(np.mean(told)) if told else None


def _one(
    network: FeatureNet, data: Dataset, index: int, longest: int, device: torch.device, scales: Sequence[float]
) -> Score | None:
    """The scores of one picture; None where it has neither two labels nor a thing to click."""
    example = shrink(data.read(index), longest)
    rng = np.random.default_rng(probe_seed(example.name))
    probe = choose_probe(example.labels, rng)
    things = data.objects(example)
    if probe is None and not things:
        return None
    pairs = choose_edge_pairs(example.labels, rng)
    height, width = example.labels.shape
    coarse = np.mgrid[DENSE_STRIDE // 2 : height : DENSE_STRIDE, DENSE_STRIDE // 2 : width : DENSE_STRIDE]
    nowhere = np.empty((0, 2), np.int64)
    places = [
        coarse[::-1].reshape(2, -1).T,
        probe.points if probe is not None else nowhere,
        *((pairs.first, pairs.second) if pairs is not None else (nowhere, nowhere)),
    ]
    image = torch.from_numpy(to_array(example.picture))[None].to(device)
    points = torch.from_numpy(np.concatenate(places))[None].to(device)
    values = SampledFeatures(network, scales)(image, points)[0].float().cpu()
    dense, own, *sides = values.split([len(part) for part in places])
    regular, at = dense.reshape(*coarse.shape[1:], values.shape[1]).numpy(), tuple(coarse)
    clicked = probe_objects(regular, example.regions[at], things, most=CLICKED) if dense.numel() else None
    if probe is None and clicked is None:
        return None
    return Score(
        1,
        pair_auc(own, torch.from_numpy(probe.labels)) if probe is not None else None,
        _taps_auc(network, image, probe) if probe is not None else None,
        edge_auc(sides[0], sides[1], pairs.same) if pairs is not None else None,
        drift(regular, example.labels[at]) if dense.numel() else None,
        *(clicked or ()),
    )


def _taps_auc(network: FeatureNet, image: Tensor, probe: Probe) -> float | None:
    """Pair AUC of the backbone's own stages; None for a network without any."""
    if not isinstance(network, SupplementNet):
        return None
    stages = taps_at(network.taps(image), torch.from_numpy(probe.points)[None].to(image.device))
    return pair_auc(stages[0].float().cpu(), torch.from_numpy(probe.labels))


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
