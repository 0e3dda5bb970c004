"""Pictures with label maps: reading them, parting them into training and held-out ones, and refusing what is damaged.

A label map is (H, W) int32 with `VOID` (-1) for pixels of no single class. A region map says which pixels were outlined
together: objects of one class are regions of their own where the data set knows them, else a region is a label.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from sss_model.array_types import Labels
from sss_model.counted import counted
from sss_model.datasets.coco import instance_mask
from sss_model.datasets.folder_scan import Item, Listing
from sss_model.datasets.formats import MIXED, list_items
from sss_model.datasets.label_kinds import MARKED, check_kind, interpret
from sss_model.datasets.label_maps import count_annotators, mat_size, read_label_map
from sss_model.datasets.pair_sampling import VOID
from sss_model.datasets.read_faults import fault
from sss_model.errors import DatasetError, ImageError
from sss_model.image_io import image_size, read_image, stored_orientation, to_picture, upright
from sss_model.params import DataSource

_INSTANCE = 1 << 16  # region numbers of instances start here, those of labels end here
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_PART_HINTS = {
    "train": "A smaller --holdout leaves some to train on.",
    "holdout": "--holdout 0 trains on all of them, a larger --holdout keeps some back.",
}


@dataclass(frozen=True)
class Example:
    """A picture as `PIL.Image` RGB with `labels` and `regions` (H, W) int32 of the same size.

    Where labels are void, so are regions, or `UNKNOWN`.
    """

    name: str
    picture: Image.Image
    labels: Labels
    regions: Labels


@dataclass
class Dataset:
    """The items of one data set that are fit to use, in one part of it."""

    name: str
    kind: str
    items: list[Item]
    void: tuple[int, ...]
    offset: int = 0
    weight: float = 1.0
    problems: list[tuple[Path, str]] = field(default_factory=list)
    root: Path = Path()
    splits: tuple[str, ...] = ()
    coding: str = ""
    bare: int = 0
    label_maps: str = "upright"
    untold: int = 0
    """Pictures that EXIF turns, whose label maps may lie either way."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def labels_per_picture(self) -> bool:
        """Whether a label number belongs to one picture, and says nothing of another's."""
        return self.kind in ("bsds", "inst", "obj")

    @property
    def one_against_rest(self) -> bool:
        """Whether pictures show labelled things and a mixed rest without a kind that says how: 0, the rest, is void."""
        return self.kind == "folder" and 0 in self.void

    @property
    def marks_things(self) -> bool:
        """Whether what is not labelled is a rest that may be compared with what is, in every picture."""
        return self.kind in MARKED

    @cached_property
    def knows_instances(self) -> bool:
        """Whether two things of one class are two regions."""
        return self.kind in ("inst", "obj", "panoptic", "instances") or any(item.instances for item in self.items)

    def objects(self, example: Example) -> list[int]:
        """The numbers of the regions that are single things, or connected parts of a class, the largest first."""
        if not (self.marks_things or self.knows_instances):
            return []
        numbers, areas = np.unique(example.regions[example.labels != VOID], return_counts=True)
        order = np.argsort(-areas, kind="stable")
        least = _INSTANCE if self.kind in ("cocostuff", "instances") else 0
        return [int(number) for number in numbers[order] if number >= least]

    def read(self, index: int, annotator: int = 0) -> Example:
        """The picture `index` with the label map of one of its annotators.

        Raises
        ------
        DatasetError : a file is missing, damaged, empty, or of another size than its partner
        """
        item = self.items[index]
        source = item.labels[annotator % len(item.labels)] if item.labels else None
        picture = _read_picture(item.picture)
        if source is None:
            labels = np.full(item.size or (picture.height, picture.width), VOID, np.int32)
        else:
            labels = read_label_map(source, annotator, packed=self.kind == "panoptic")
        turn = _turn(item.picture, picture.size, labels.shape[::-1], self.label_maps)
        if turn is None:
            raise DatasetError(f"{item.picture.name} {_mismatch(picture.size, labels.shape[::-1])}.")
        labels, regions = (upright(numbers, turn) for numbers in self._interpret(labels, item))
        if not (labels != VOID).any():
            raise DatasetError(f"The label map of {item.picture.name} is empty: every pixel is void.")
        return Example(f"{self.name}/{item.stem}", picture, np.ascontiguousarray(labels), np.ascontiguousarray(regions))

    def annotators(self, index: int) -> int:
        """How many label maps the picture `index` has."""
        item = self.items[index]
        if len(item.labels) == 1 and item.labels[0].suffix == ".mat" and self.kind == "bsds":
            return count_annotators(item.labels[0])
        return max(len(item.labels), 1)

    def _interpret(self, numbers: Labels, item: Item) -> tuple[Labels, Labels]:
        """Labels and regions from the numbers in a file."""
        if self.kind in MARKED:
            return interpret(self.kind, numbers, self.void)
        if item.segments is not None:
            known = np.array([*item.segments.keys(), 0]), np.array([*item.segments.values(), VOID])
            order = np.argsort(known[0])
            keys, values = known[0][order], known[1][order]
            place = np.searchsorted(keys, numbers).clip(0, len(keys) - 1)
            labels = np.where(keys[place] == numbers, values[place], VOID).astype(np.int32)
            return labels, place.astype(np.int32)
        labels = np.where(np.isin(numbers, self.void), VOID, numbers - self.offset).astype(np.int32)
        regions = labels.copy()
        for k, instance in enumerate(item.instances):
            mask = instance_mask(instance.segmentation, (labels.shape[0], labels.shape[1]))
            if item.labels:
                mask = mask & (labels == instance.label)
            else:
                labels[mask] = instance.label
            regions[mask] = _INSTANCE + k
        return labels, regions


def open_datasets(
    sources: Sequence[DataSource], *, part: str, holdout: float, on_bad: str, warn: Callable[[str], None]
) -> list[Dataset]:
    """The data sets that `sources` name, under names of their own; parameters as those of `open_dataset`.

    One that has no pictures in that part is left out if another has, and `warn` is called with a sentence.
    """
    opened = unique_names(
        [open_dataset(s, part=part, holdout=holdout, on_bad=on_bad, may_be_empty=len(sources) > 1) for s in sources]
    )
    filled = [data for data in opened if len(data)]
    if opened and not filled:
        raise DatasetError(f"No data set has pictures in its {part} part.", hint=_PART_HINTS.get(part, ""))
    for data in opened:
        if not len(data):
            warn(f"{data.name} has no pictures in its {part} part, and is left out of it")
        if data.untold:
            warn(
                f"{data.name}: EXIF turns {data.untold} pictures whose label maps fit either way; they are taken as "
                f"{data.label_maps} (--label-maps)"
            )
    return filled


def open_dataset(
    source: DataSource,
    *,
    part: str = "all",
    holdout: float = 0.1,
    on_bad: str = "refuse",
    may_be_empty: bool = False,
) -> Dataset:
    """The data set that `source` names, limited to one part, its files' presence and sizes checked.

    Parameters
    ----------
    part : `train`, `holdout` or `all`; see `is_held_out`. All of a set of mattes is held out: it is for measuring
    holdout : share of held-out images
    on_bad : `refuse` raises for the first problem, `skip` lists it in `problems`
    may_be_empty : whether the part may have no pictures

    Raises
    ------
    DatasetError : no data set there, none of its pictures in that part, label maps that contradict the kind named, or a
        problem with `refuse`
    """
    root = Path(source.path).expanduser()
    listing = list_items(root, source.kind, source.splits)
    replaced = () if source.kind in ("inst", "obj") else MIXED.get(root.name.lower(), ())
    void = listing.void if source.void is None else (*(v for v in listing.void if v not in replaced), *source.void)
    good = _check_sizes(listing)
    if listing.problems and on_bad == "refuse":
        refused, (path, reason) = len(listing.problems), listing.problems[0]
        raise DatasetError(
            f"{refused} of {refused + len(good)} pairs in {root} cannot be used; the first: {path} {reason}.",
            hint="--on-bad skip leaves them out.",
        )
    if source.kind == listing.kind:  # as somebody named it
        check_kind(listing.kind, [item.labels[0] for item in good if item.labels], root)
    items_of_part = [
        item
        for item in good
        if part == "all" or (listing.kind == "mattes" or is_held_out(item.stem, holdout)) == (part == "holdout")
    ]
    if not items_of_part and not may_be_empty:
        hint = "Mattes are for measuring only." if listing.kind == "mattes" else _PART_HINTS.get(part, "")
        raise DatasetError(f"The {part} part of {root} has no pictures; all of it has {len(good)}.", hint=hint)
    name = Path(os.path.abspath(root)).name
    return Dataset(
        name, listing.kind, items_of_part, void, listing.offset, source.weight, listing.problems,
        root, tuple(source.splits), listing.coding, listing.bare, source.label_maps, _count_untold(items_of_part),
    )  # fmt: skip


def unique_names(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The same data sets under names of their own: scores and curves are kept by name.

    Where folders have the same name, their parent folders come before it; then come the splits; what is the same set in
    another reading gets a number. Names depend on the sources and their order only, not on the part that was opened.
    """
    names = [data.name for data in datasets]
    parents = [
        f"{Path(os.path.abspath(data.root)).parent.name}/{name}" for data, name in zip(datasets, names, strict=True)
    ]
    names = _told_apart(names, parents)
    splits = [
        f"{name}@{'+'.join(data.splits)}" if data.splits else name for data, name in zip(datasets, names, strict=True)
    ]
    names = _told_apart(names, splits)
    for k, name in enumerate(names):
        number = 2
        while names[k] in names[:k]:
            names[k], number = f"{name}#{number}", number + 1
    return [replace(data, name=name) for data, name in zip(datasets, names, strict=True)]


def _told_apart(names: list[str], longer: list[str]) -> list[str]:
    """The longer form of every name that several have, if the longer forms of those differ."""
    found = []
    for name, long in zip(names, longer, strict=True):
        forms = {other for short, other in zip(names, longer, strict=True) if short == name}
        found.append(long if len(forms) > 1 else name)
    return found


def is_held_out(stem: str, share: float) -> bool:
    """Whether the picture `stem` belongs to the held-out part: by a hash of its name, so the same on every machine.

    Neighbouring frames of a film would tell what they should test, so names that differ in the last digit only stay
    together, and so do the frames of one SEQUENCE_NUMBER_FRAME.

    Examples
    --------
    >>> is_held_out("street_12", 0.1) == is_held_out("street_17", 0.1)
    True
    """
    film = re.fullmatch(r"(.*\D\d+)_\d{4,}", stem)
    group = film[1] if film else re.sub(r"\d$", "", stem)
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") < share * 2**64


def _check_sizes(listing: Listing) -> list[Item]:
    """The items whose files open and agree in size, by their headers; the others become problems."""
    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(_size_problem, listing.items))
    listing.problems += [(item.picture, reason) for item, reason in zip(listing.items, reasons, strict=True) if reason]
    return [item for item, reason in zip(listing.items, reasons, strict=True) if not reason]


def _size_problem(item: Item) -> str:
    try:
        size = image_size(item.picture)[::-1]
        if item.size and _turn(item.picture, size, item.size[::-1], "upright") is None:
            return _mismatch(size, item.size[::-1], "annotation file says")
        for path in item.labels:
            other = _map_size(path)
            if other and _turn(item.picture, size, other, "upright") is None:
                return _mismatch(size, other)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        return f"or its label map cannot be read: {fault(error)}"
    return ""


def _turn(path: Path, picture: tuple[int, int], labels: tuple[int, int], lie: str) -> int | None:
    """EXIF's orientation by which a label map of the size `labels` becomes upright; None where it fits neither way.

    Parameters
    ----------
    picture : size of the upright picture; sizes are (W, H)
    lie : `upright` or `stored`, of a map that fits both ways
    """
    if labels not in (picture, picture[::-1]):
        return None
    turn = stored_orientation(path) if labels != picture or lie == "stored" else 1
    stored = picture[::-1] if turn >= 5 else picture
    return turn if labels == stored else None


def _count_untold(items: Sequence[Item]) -> int:
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(_may_lie_either_way, items))


def _may_lie_either_way(item: Item) -> bool:
    """Whether EXIF turns the picture, and its upright size is its stored one."""
    try:
        turn = stored_orientation(item.picture) if item.labels else 1
        height, width = image_size(item.picture) if turn >= 5 else (1, 1)
    except ImageError:
        return False
    return turn > 1 and height == width


def _map_size(path: Path) -> tuple[int, int] | None:
    if path.suffix == ".mat":
        return mat_size(path)
    with Image.open(path) as labels:
        return labels.size


def _mismatch(picture: tuple[int, ...], other: tuple[int, ...], who: str = "label map is") -> str:
    return f"is {picture[0]} x {picture[1]}, but its {who} {other[0]} x {other[1]}"


def _read_picture(path: Path) -> Image.Image:
    """The picture as an extraction sees it, upright and in sRGB."""
    try:
        return Image.fromarray(to_picture(read_image(path)))
    except ImageError as error:
        raise DatasetError(f"The picture {path} cannot be read: {fault(error)}.") from error


def parse_source(text: str) -> DataSource:
    """A data set as the command line names it: [KIND:]DIR[@SPLIT[+SPLIT]][=WEIGHT].

    Raises
    ------
    DatasetError : the weight is no number

    Examples
    --------
    >>> source = parse_source("bsds:/data/BSDS500@train+val=2.5")
    >>> source.kind, source.path, source.splits, source.weight
    ('bsds', '/data/BSDS500', ('train', 'val'), 2.5)
    """
    from sss_model.datasets.formats import KINDS

    kind, colon, rest = text.partition(":")
    if not colon or kind not in KINDS:
        kind, rest = "auto", text
    path, _, weight = rest.rpartition("=") if re.search(r"=[^=/\\]*$", rest) else (rest, "", "1")
    folder, at, names = path.rpartition("@")
    if not at or Path(path).is_dir():
        folder, names = path, ""
    try:
        return DataSource(folder, kind, float(weight), tuple(names.split("+")) if names else ())
    except ValueError as error:
        raise DatasetError(
            f"The weight of a data set must be a number from 0 to 1e6, got {weight!r} in {text!r}."
        ) from error


def describe(datasets: Sequence[Dataset]) -> list[str]:
    """One line a data set: name, kind, choice of label maps, pictures, weight, what counts as void, problems."""
    lines = []
    for data in datasets:
        void = f", void {' '.join(str(v) for v in data.void)}" if data.void else ""
        bad = f", {len(data.problems)} left out" if data.problems else ""
        bad += f", {data.bare} without annotations left out" if data.bare else ""
        kind = f"{data.kind}, {data.coding}" if data.coding else data.kind
        lines.append(f"{data.name} ({kind}): {counted(len(data), 'picture')}, weight {data.weight:g}{void}{bad}")
    return lines
