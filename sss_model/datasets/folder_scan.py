"""What a data set's folder holds, and the steps that its formats share: finding pictures, splits, and partners."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sss_model.datasets.coco import Instance
from sss_model.errors import DatasetError

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
TRAIN_IDS = "labelTrainIds"
_CODED = ("_labelTrainIds", "_instanceTrainIds")


@dataclass(frozen=True)
class Item:
    """One picture with its label maps, one for each annotator; `size` (H, W) is what an annotation file says it has."""

    stem: str
    picture: Path
    labels: tuple[Path, ...]
    instances: tuple[Instance, ...] = ()
    segments: dict[int, int] | None = None
    size: tuple[int, int] | None = None


@dataclass
class Listing:
    """What a folder holds: its items, and what is wrong with the rest, by file."""

    kind: str
    items: list[Item] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)
    void: tuple[int, ...] = ()
    offset: int = 0
    """Subtracted from every label number that is not void."""
    coding: str = ""
    """Which label maps were taken where there are labelTrainIds, for people."""
    bare: int = 0
    """Pictures left out because nothing is annotated in them."""


def pictures_in(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by stem; none where there is no folder."""
    if not folder.is_dir():
        return {}
    return {
        path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURES and path.name[0] != "."
    }


def jsons_in(root: Path, prefix: str) -> Iterator[Path]:
    """The JSON files whose names begin with `prefix`, in annotations/ or the root."""
    for folder in (root / "annotations", root):
        yield from sorted(folder.glob(f"{prefix}*.json"))


def pair(listing: Listing, pictures: dict[str, Path], labels: dict[str, tuple[Path, ...]]) -> None:
    """Join pictures and label maps by stem; what has no partner is a problem."""
    listing.items += [Item(stem, path, labels[stem]) for stem, path in pictures.items() if stem in labels]
    listing.problems += [(path, "has no label map") for stem, path in pictures.items() if stem not in labels]
    listing.problems += [(paths[0], "has no picture") for stem, paths in labels.items() if stem not in pictures]


def choose_splits(root: Path, found: list[str], wanted: tuple[str, ...], *, train_only: bool = False) -> list[str]:
    """The splits to read: those `wanted`, else all that were `found`, or the training ones among them.

    Raises
    ------
    DatasetError : a wanted split was not found
    """
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DatasetError(f"{root} has no split {', '.join(missing)}; it has {', '.join(found) or 'none'}.")
    if wanted:
        return list(wanted)
    training = [name for name in found if name.startswith("train")]
    return training if train_only and training else found


def doubles(listing: Listing) -> list[tuple[Path, str]]:
    """The pictures that were passed over because another one of the same stem lies beside them."""
    taken = {(item.picture.parent, item.stem): item.picture for item in listing.items}
    passed_over = []
    for folder in dict.fromkeys(folder for folder, _ in taken):
        for path in sorted(folder.iterdir()):
            other = taken.get((folder, path.stem))
            if other not in (None, path) and path.suffix.lower() in PICTURES:
                passed_over.append((path, f"has the stem of {other.name}, which was taken"))
    return passed_over


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in a folder; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def picture_folder(root: Path, split: str) -> Path:
    """Where the pictures of a split are."""
    return next((f for f in (root / "images" / split, root / split) if f.is_dir()), root / "images")


def group_annotators(maps: dict[str, Path], stems: Iterable[str] | None = None) -> dict[str, tuple[Path, ...]]:
    """Maps by picture: STEM.png of one annotator, or STEM_0.png, STEM_1.png, ... of several; `stems` tell which."""
    known = None if stems is None else set(stems)
    grouped: dict[str, list[Path]] = {}
    for own, path in maps.items():
        match = re.fullmatch(r"(.+)_\d+", own)
        stem = match[1] if match and (known is None or (own not in known and match[1] in known)) else own
        grouped.setdefault(stem, []).append(path)
    return {stem: tuple(paths) for stem, paths in grouped.items()}


def choose_coding(stems: Iterable[str]) -> str:
    """Which of the label maps with these stems to read: the plain ones if there are any, else `TRAIN_IDS`."""
    listed = list(stems)
    if not any(stem.endswith(_CODED[0]) for stem in listed):
        return ""
    plain = any(not stem.endswith(_CODED) for stem in listed)
    return f"plain maps, not {TRAIN_IDS}" if plain else TRAIN_IDS


def maps_of(coding: str, maps: dict[str, Path]) -> dict[str, Path]:
    """The maps in one coding, by the stems of their pictures."""
    if coding == TRAIN_IDS:
        return {stem.removesuffix(_CODED[0]): path for stem, path in maps.items() if stem.endswith(_CODED[0])}
    return {stem: path for stem, path in maps.items() if not stem.endswith(_CODED)}
