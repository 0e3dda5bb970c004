"""What the numbers of a label map stand for, where a set's kind says so: things, kinds of things, or one object.

kind    numbers                                          two regions of one number
inst    every thing of a picture has its own, 1 to n     one thing
class   each a kind of thing, as in semantic maps        its connected parts, which may be several things: not compared
obj     1 one object                                     one thing
mattes  255 one object, 128 not counted                  one thing; for measuring, never trained on

0 is the rest in `inst`, `obj` and `mattes`: a mixture, which may hold unmarked things of the same kind. It is a
negative to what is marked, and nothing to itself; so is every number of `class` that is named void. 255 (in `mattes`
128) is unknown, and never drawn; in other formats it is one more mixture, as in `SamplingParams.void`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Labels
from sss_model.datasets.label_maps import read_label_map
from sss_model.datasets.pair_sampling import UNKNOWN, VOID
from sss_model.errors import DatasetError

MARKED = ("inst", "class", "obj", "mattes")
"""Kinds that mark things and leave a rest."""
_UNMARKED = {"mattes": 128}
_READ = 12  # maps that are looked at, evenly spread
_PART_AREA = 64  # pixels: smaller parts are the crumbs of an outline
_MOST_PARTS = 2.0  # of a thing, on average: twigs and people before it cut it
_MOST_NUMBERS = 2.0  # times the things of a picture


def interpret(kind: str, numbers: Labels, void: Sequence[int]) -> tuple[Labels, Labels]:
    """Labels and regions (H, W) from the numbers of a map of one of the kinds of `MARKED`.

    Labels have `VOID` for all that is not marked; regions tell it apart, as `VOID` (the rest) and `UNKNOWN`.

    Examples
    --------
    >>> labels, regions = interpret("class", np.array([[5, 0, 5, 255]], np.int32), (255, 0))
    >>> labels.tolist(), regions.tolist()
    ([[5, -1, 5, -1]], [[1, -1, 2, -2]])
    """
    unknown = numbers == _UNMARKED.get(kind, 255)
    if kind == "mattes":
        labels = np.where(numbers == 255, 1, VOID).astype(np.int32)
    else:
        labels = np.where(np.isin(numbers, void) | unknown, VOID, numbers).astype(np.int32)
    regions = labels
    if kind == "class":
        regions = np.where(labels == VOID, VOID, _connected(labels, VOID))
    return labels, np.where(unknown, UNKNOWN, regions).astype(np.int32)


def _connected(labels: Labels, background: int) -> Labels:
    """Numbers from 1 on of the connected parts of equal labels, also those that touch at corners; 0 the background."""
    from skimage.measure import label

    parts: Labels = label(labels, background=background, connectivity=2).astype(np.int32)  # type: ignore[no-untyped-call]
    return parts


def check_kind(kind: str, maps: Sequence[Path], root: Path) -> None:
    """Raise `DatasetError` where the label maps of `root` contradict that they are of `kind`; some are read for it."""
    chosen = maps[:: max(1, len(maps) // _READ)]
    if kind == "inst":
        _check_instances(chosen, root)
    elif kind == "class":
        _check_classes(chosen, root)
    elif kind == "obj":
        for path in chosen:
            odd = sorted(set(np.unique(read_label_map(path)).tolist()) - {0, 1, 255})
            if odd:
                raise DatasetError(
                    f"{root} was named as obj, whose maps hold 1 (one object), 0 (the rest) and 255 (unknown); "
                    f"{path.name} also holds {', '.join(map(str, odd[:5]))}.",
                    hint=f"inst:{root} numbers things, class:{root} kinds of things.",
                )


def _things(path: Path) -> tuple[Labels, NDArray[np.int64], NDArray[np.int64]]:
    """A map, the numbers in it that mark something, and their areas."""
    numbers = read_label_map(path)
    things, areas = np.unique(numbers[(numbers != 0) & (numbers != 255)], return_counts=True)
    return numbers, things.astype(np.int64), areas


def _check_instances(maps: Sequence[Path], root: Path) -> None:
    parts, sparse = [], []
    for path in maps:
        numbers, things, _ = _things(path)
        if not len(things):
            continue
        if things[-1] > _MOST_NUMBERS * len(things):
            sparse.append((path, things))
        found = _connected(np.where(numbers == 255, 0, numbers), 0)
        parts.append(int((np.bincount(found.ravel())[1:] >= _PART_AREA).sum()) / len(things))
    hint = f"class:{root} reads numbers as kinds of things, several of which may share one."
    if 2 * len(sparse) > len(maps):
        path, things = sparse[0]
        raise DatasetError(
            f"{root} was named as inst, where the n things of a picture are numbered from 1 to n; "
            f"{path.name} has {len(things)} of them with numbers up to {things[-1]}.",
            hint=hint,
        )
    if parts and np.mean(parts) > _MOST_PARTS:
        raise DatasetError(
            f"{root} was named as inst, where every thing has a number of its own; a number of its maps lies in "
            f"{np.mean(parts):.1f} separate parts on average ({len(parts)} maps looked at).",
            hint=hint,
        )


def _check_classes(maps: Sequence[Path], root: Path) -> None:
    """Numbers from 1 to n by falling area in every picture are no kinds of things."""
    told = [areas for _, things, areas in map(_things, maps) if len(things) > 2 and things[-1] == len(things)]
    if len(told) >= 3 and 2 * len(told) > len(maps) and all((np.diff(areas) <= 0).all() for areas in told):
        raise DatasetError(
            f"{root} was named as class, where a number is a kind of thing; its maps number what they mark from 1 to n "
            f"by falling area, as things are ({len(told)} of {len(maps)} maps looked at).",
            hint=f"inst:{root} reads them so.",
        )
