"""A PCA basis to hold on to: with the range of its components, so that many pictures get the same colours.

A basis fitted to each picture stretches each component to that picture's own minimum and maximum. A fixed one keeps one
range for all: what lies outside is clipped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sss_model.array_types import Floats
from sss_model.errors import FeatureFileError
from sss_model.params import ProjectionParams
from sss_model.pca import PcaBasis
from sss_model.projection.stretch import range_of
from sss_model.storage.atomic_write import replacing
from sss_model.storage.json_file import read_json


@dataclass(frozen=True, eq=False)
class FixedBasis:
    """A basis with the values that become 0 and 1.

    Attributes
    ----------
    basis : mean, axes, explained variance
    low, high : (components,) float32; None stretches to each picture's own range
    """

    basis: PcaBasis
    low: Floats | None = None
    high: Floats | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, whole or not at all; float32 values come back exactly."""
        entry = {"sss_basis": 1, **self.basis.to_dict()}
        if self.low is not None and self.high is not None:
            entry |= {"low": self.low.tolist(), "high": self.high.tolist()}
        with replacing(path, FeatureFileError) as temporary:
            temporary.write_text(json.dumps(entry), encoding="utf-8")

    @staticmethod
    def load(path: str | os.PathLike[str]) -> FixedBasis:
        """What `save` or an export's JSON holds.

        Raises
        ------
        FeatureFileError : no such file, or no basis in it
        """
        file = Path(path)
        entry = read_json(file, FeatureFileError, noun="The basis")
        if isinstance(entry, dict) and isinstance(entry.get("basis"), dict):
            entry = entry["basis"]  # the JSON beside an export
        basis = PcaBasis.from_dict(entry, file.name)
        if "low" not in entry:
            return FixedBasis(basis)
        try:
            with np.errstate(over="ignore"):
                low, high = (np.array(entry[key], np.float32) for key in ("low", "high"))
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FeatureFileError(f"The range in the basis {file.name} is not two lists of numbers.") from error
        if low.shape != (len(basis.axes),) or high.shape != low.shape or not np.isfinite([low, high]).all():
            raise FeatureFileError(f"The range in the basis {file.name} does not fit its {len(basis.axes)} components.")
        return FixedBasis(basis, low, high)


def components_of(projection: ProjectionParams, count: int) -> list[int]:
    """Rows of the basis that are shown as red, green and blue; the last of `count` for those it lacks."""
    return [min(number, count) - 1 for number in (projection.red, projection.green, projection.blue)]


def chosen(basis: PcaBasis, projection: ProjectionParams) -> PcaBasis:
    """The three components of `basis` that `projection` shows."""
    rows = components_of(projection, len(basis.axes))
    return PcaBasis(basis.mean, basis.axes[rows], basis.explained_variance_ratio[rows])


def shown_range(values: Floats, projection: ProjectionParams, fixed: FixedBasis | None) -> tuple[Floats, Floats]:
    """What becomes 0 and 1: the fixed basis's range, or the values' own."""
    if fixed is None or fixed.low is None or fixed.high is None:
        return range_of(values, projection.range)
    rows = components_of(projection, len(fixed.basis.axes))
    return fixed.low[rows], fixed.high[rows]
