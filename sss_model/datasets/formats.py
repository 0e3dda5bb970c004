"""Data sets as people have them on disk: which picture belongs to which label map, and how a label map is read.

kind            pictures              labels
cocostuff       images/SPLIT/         stuffthingmaps*/SPLIT/STEM.png, 0-181 and 255, or annotations/{train,val}2017/;
                                      where there are none STEM_labelTrainIds.png; with annotations/instances_SPLIT.json
                                      the things' instances are regions of their own
cocostuff10k    images/               annotations/STEM.mat (variable S) or STEM.png, 1-182, 0 unlabelled
panoptic        images/SPLIT/         panoptic_SPLIT/STEM.png, id = R + 256 G + 65536 B, and panoptic_SPLIT.json
instances       images/SPLIT/         annotations/instances_SPLIT.json alone: everything else is void
bsds            images/SPLIT/         regions/SPLIT/STEM_K.png or groundTruth/SPLIT/STEM.mat, several annotators
folder          images/ or the root   labels/ masks/ annotations/ with STEM.png or STEM_K.png, 255 unlabelled
inst, class,    as folder             as folder; the word says what a number stands for (`label_kinds`)
obj
mattes          the root              STEM.mask.png beside STEM.jpg: 255 an object, 128 not counted, 0 the rest
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sss_model.datasets.coco import PictureAnnotations, read_instances, read_panoptic
from sss_model.datasets.folder_scan import (
    TRAIN_IDS,
    Item,
    Listing,
    choose_coding,
    choose_splits,
    doubles,
    group_annotators,
    jsons_in,
    maps_of,
    pair,
    picture_folder,
    pictures_in,
    subfolders,
)
from sss_model.errors import DatasetError

MIXED = {"ecssd": (0,), "pets": (0,), "pennfudan": (0,), "idd_lite": (5,)}
"""Label numbers that stand for many classes at once ("the rest"), in well-known folders."""
_WELL_KNOWN = {"ecssd": "obj", "pets": "obj", "pennfudan": "class"}
"""What the numbers of well-known folders stand for; Penn-Fudan's 1 is all the people of a picture."""
_MASK = ".mask.png"
_LABEL_FOLDERS = ("labels", "masks", "annotations", "SegmentationClass", "gt")


def detect(root: Path) -> str:
    """The kind of the data set in `root`.

    Raises
    ------
    DatasetError : no format fits
    """
    if not root.is_dir():
        raise DatasetError(f"There is no data set at {root}: expected a folder.", missing=True)
    if _stuff_maps(root):
        return "cocostuff"
    if next(jsons_in(root, "panoptic_"), None):
        return "panoptic"
    if (root / "imageLists").is_dir() or next((root / "annotations").glob("*.mat"), None):
        return "cocostuff10k"
    if (root / "regions").is_dir() or (root / "groundTruth").is_dir():
        return "bsds"
    _refuse_packed(root)
    if next(jsons_in(root, "instances_"), None):
        return "instances"
    if any((root / name).is_dir() for name in _LABEL_FOLDERS):
        return _WELL_KNOWN.get(root.name.lower(), "folder")
    if next(root.glob(f"*{_MASK}"), None):
        return "mattes"
    raise DatasetError(
        f"The format of {root} is not known: expected COCO-Stuff, BSDS500, or a folder with images/ and labels/.",
        hint=f"Name it, as in folder:{root}; kinds are {', '.join(KINDS)}.",
    )


def list_items(root: Path, kind: str = "auto", splits: tuple[str, ...] = ()) -> Listing:
    """The items of the data set in `root`; `splits` limits it to sub-folders such as train2017.

    Raises
    ------
    DatasetError : no such folder, kind or split, or nothing in it
    """
    chosen = detect(root) if kind == "auto" else kind
    if chosen not in KINDS:
        raise DatasetError(f"No kind of data set is called {kind!r}; there are {', '.join(KINDS)}.")
    if not root.is_dir():
        raise DatasetError(f"There is no data set at {root}: expected a folder.", missing=True)
    listing = KINDS[chosen](root, splits)
    listing.problems += doubles(listing)
    if not listing.items:
        first = (
            f"; the first problem: {listing.problems[0][0].name} {listing.problems[0][1]}" if listing.problems else ""
        )
        raise DatasetError(f"No picture with labels was found in {root}, read as {chosen}{first}.")
    return listing


def _stuff_maps(root: Path) -> tuple[Path, list[str]] | None:
    """The folder of COCO-Stuff's maps and its splits: as unpacked under its own name, or into annotations/."""
    for folder in sorted(path for path in root.glob("stuffthingmaps*") if path.is_dir()):
        return folder, subfolders(folder)
    folder = root / "annotations"
    splits = [name for name in ("train2017", "val2017") if next((folder / name).glob("*.png"), None)]
    return (folder, splits) if splits else None


def _refuse_packed(root: Path) -> None:
    packed = next(
        (path for folder in (root, root / "annotations") for path in folder.glob("stuffthingmaps*.zip")), None
    )
    if packed is not None:
        raise DatasetError(
            f"{packed} must be unpacked: expected {root / packed.stem} with train2017/ and val2017/.",
            hint=f"unzip {packed} -d {root / packed.stem} does it; or name another kind, as in instances:{root}.",
        )


def _cocostuff(root: Path, splits: tuple[str, ...]) -> Listing:
    found = _stuff_maps(root)
    if found is None:
        _refuse_packed(root)
        raise DatasetError(f"{root} has no folder of COCO-Stuff's label maps: expected stuffthingmaps_trainval2017.")
    folder, there = found
    maps = {split: pictures_in(folder / split) for split in choose_splits(root, there, splits, train_only=True)}
    listing = Listing("cocostuff", void=(255,), coding=choose_coding(stem for paths in maps.values() for stem in paths))
    for split, paths in maps.items():
        labels: dict[str, tuple[Path, ...]] = {k: (path,) for k, path in maps_of(listing.coding, paths).items()}
        before = len(listing.items)
        pair(listing, pictures_in(picture_folder(root, split)), labels)
        listing.items[before:] = _with_instances(listing.items[before:], root, split, listing.coding)
    return listing


def _with_instances(items: list[Item], root: Path, split: str, coding: str) -> list[Item]:
    file = next((path for path in jsons_in(root, "instances_") if path.stem == f"instances_{split}"), None)
    if file is None:
        return items
    known = read_instances(file, train_ids=coding == TRAIN_IDS)
    told = [known.get(item.stem, PictureAnnotations()) for item in items]
    return [replace(i, instances=t.instances, size=t.size) for i, t in zip(items, told, strict=True)]


def _cocostuff10k(root: Path, splits: tuple[str, ...]) -> Listing:
    listing = Listing("cocostuff10k", void=(0,), offset=1)
    maps: dict[str, tuple[Path, ...]] = {
        path.stem: (path,) for path in sorted((root / "annotations").glob("*.*")) if path.suffix in (".mat", ".png")
    }
    pictures = pictures_in(root / "images")
    lists = {path.stem: path for path in sorted((root / "imageLists").glob("*.txt"))}
    wanted = choose_splits(root, sorted(lists), splits) if splits else [name for name in ("train",) if name in lists]
    if wanted:
        stems = {stem: lists[name] for name in wanted for stem in _names_in(lists[name])}
        listing.problems += [
            (path, f"names {stem}, which has neither picture nor label map")
            for stem, path in stems.items()
            if stem not in pictures and stem not in maps
        ]
        pictures = {stem: path for stem, path in pictures.items() if stem in stems}
        maps = {stem: path for stem, path in maps.items() if stem in stems}
    pair(listing, pictures, maps)
    return listing


def _names_in(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _panoptic(root: Path, splits: tuple[str, ...]) -> Listing:
    listing = Listing("panoptic")
    files = {path.stem.removeprefix("panoptic_"): path for path in jsons_in(root, "panoptic_")}
    for split in choose_splits(root, sorted(files), splits, train_only=True):
        categories = read_panoptic(files[split])
        name = f"panoptic_{split}"
        folder = next((f for f in (root / name, root / "annotations" / name) if f.is_dir()), root / name)
        pictures, maps = pictures_in(picture_folder(root, split)), pictures_in(folder)
        before = len(listing.items)
        pair(listing, pictures, {stem: (path,) for stem, path in maps.items()})
        listing.problems += [
            (files[split], f"describes {stem}, which has neither picture nor label map")
            for stem in categories
            if stem not in pictures and stem not in maps
        ]
        described = [item for item in listing.items[before:] if item.stem in categories]
        listing.problems += [
            (i.labels[0], f"is not in {files[split].name}") for i in listing.items[before:] if i.stem not in categories
        ]
        listing.items[before:] = [Item(i.stem, i.picture, i.labels, segments=categories[i.stem]) for i in described]
    return listing


def _instances(root: Path, splits: tuple[str, ...]) -> Listing:
    listing = Listing("instances")
    files = {path.stem.removeprefix("instances_"): path for path in jsons_in(root, "instances_")}
    for split in choose_splits(root, sorted(files), splits, train_only=True):
        pictures, known = pictures_in(picture_folder(root, split)), read_instances(files[split])
        there = {stem: told for stem, told in known.items() if stem in pictures}
        listing.bare += sum(not told.instances for told in there.values())
        listing.items += [
            Item(stem, pictures[stem], (), told.instances, size=told.size)
            for stem, told in there.items()
            if told.instances
        ]
        listing.problems += [
            (files[split], f"describes {stem}, which has no picture") for stem in known if stem not in pictures
        ]
        listing.problems += [
            (path, f"is not in {files[split].name}") for stem, path in pictures.items() if stem not in known
        ]
    return listing


def _bsds(root: Path, splits: tuple[str, ...]) -> Listing:
    listing = Listing("bsds", void=(255,))
    folder = next((root / name for name in ("regions", "groundTruth") if (root / name).is_dir()), None)
    if folder is None:
        raise DatasetError(f"{root} has no folder of BSDS500's label maps: expected regions or groundTruth.")
    for split in choose_splits(root, subfolders(folder), splits):
        maps = {p.stem: p for p in sorted((folder / split).iterdir()) if p.suffix in (".png", ".mat")}
        pair(listing, pictures_in(picture_folder(root, split)), group_annotators(maps))
    return listing


def _folder(root: Path, splits: tuple[str, ...], kind: str = "folder") -> Listing:
    rest = (0,) if kind in ("inst", "obj") else MIXED.get(root.name.lower(), ())
    listing = Listing(kind, void=(255, *rest))
    maps = next((root / name for name in _LABEL_FOLDERS if (root / name).is_dir()), None)
    if maps is None:
        raise DatasetError(f"{root} has no folder of label maps: expected one of {', '.join(_LABEL_FOLDERS)}.")
    parts = [name for name in subfolders(maps) if pictures_in(maps / name)]
    chosen = choose_splits(root, parts, splits) or ["."]
    found = {
        split: {k: p for k, p in pictures_in(maps / split).items() if p.suffix.lower() == ".png"} for split in chosen
    }
    listing.coding = choose_coding(stem for paths in found.values() for stem in paths)
    for split, paths in found.items():
        pictures = pictures_in(picture_folder(root, split))
        pair(listing, pictures, group_annotators(maps_of(listing.coding, paths), pictures))
    return listing


def _mattes(root: Path, splits: tuple[str, ...]) -> Listing:
    listing = Listing("mattes")
    choose_splits(root, [], splits)
    masks: dict[str, tuple[Path, ...]] = {
        path.name.removesuffix(_MASK): (path,) for path in sorted(root.glob(f"*{_MASK}"))
    }
    pictures = {stem: path for stem, path in pictures_in(root).items() if stem in masks}
    pair(listing, pictures, masks)
    return listing


KINDS: dict[str, Callable[[Path, tuple[str, ...]], Listing]] = {
    "cocostuff": _cocostuff,
    "cocostuff10k": _cocostuff10k,
    "panoptic": _panoptic,
    "instances": _instances,
    "bsds": _bsds,
    "folder": _folder,
    "inst": partial(_folder, kind="inst"),
    "class": partial(_folder, kind="class"),
    "obj": partial(_folder, kind="obj"),
    "mattes": _mattes,
}
