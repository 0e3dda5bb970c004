"""Pictures of a network's features while it trains: the picture and its first three principal components."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.datasets.dataset import Dataset, Example
from sss_model.errors import DatasetError
from sss_model.network.grid_maps import FeatureNet
from sss_model.pca import fit_pca
from sss_model.postprocess import stretch
from sss_model.training.augment import shrink, to_array


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
        shown = stretch(fit_pca(features).project(features))
        yield data.name, np.concatenate([np.asarray(example.picture), np.rint(shown * 255).astype(np.uint8)], 1)


def _first_readable(data: Dataset) -> Example | None:
    for index in range(len(data)):
        with contextlib.suppress(DatasetError):
            return data.read(index)
    return None
