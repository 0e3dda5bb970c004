"""Layers of any name in every format, masks of every kind, and the weights of foreign networks."""

from __future__ import annotations

import base64
import io
import json
import struct
import sys
import unicodedata
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from psd_tools import PSDImage

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of
from test_hostile_models import odd_tensors

from sss_model.files.names import WORDS, file_words, stems_for
from sss_model.layer_io import FORMATS, Layers, layer_file_names, write_layers
from sss_model.segmentation.comparisons.mask_files import read_masks
from sss_model.segmentation.comparisons.networks import deeplab, mask_rcnn

H, W = 9, 11
ODD_NAMES = (
    *sorted(WORDS), "X", "X-premultiplied", "x-alpha", "layer-1", "LAYER-1", "a\x01b", "a b", "\ud800", "\udcff",
    "\uffff", "..", "a/b", "a\\b", "CON", "nul.", "é", "e\u0301", "😀" * 80, "x" * 5000, "\u202e", "<&\"'>", "picture",
    "rgba", "R", "2-sky", "sky", "\u2028", "]]>", "{name}", "%s", " ", "\t", "ß", "SS",
)  # fmt: skip


def odd_names(rng: np.random.Generator, count: int) -> list[str]:
    """Names that were never meant to be any, and some that are drawn letter by letter."""
    drawn = [chr(int(rng.integers(1, 0x11000))) * int(rng.integers(1, 90)) for _ in range(count)]
    return [str(rng.choice(ODD_NAMES)) if rng.random() < 0.8 else name for name in drawn]


def try_layers(form: str, rng: np.random.Generator, folder: Path) -> None:
    """What is written replaces nothing that another choice or picture wrote; names and alphas come back."""
    for old in folder.iterdir():
        old.unlink()
    count = int(rng.integers(1, 6))
    alphas = rng.random((H, W, count), np.float32)
    alphas /= alphas.sum(axis=2, keepdims=True)
    layers = Layers(rng.random((H, W, 3), np.float32), alphas, tuple(odd_names(rng, count)))
    there = [f"photo-{word}{end}" for word in WORDS for end in (".png", ".json")]
    there += layer_file_names("photo-2", ("sky",), format=form, others=("photo", "photo-2"))
    there += layer_file_names("photo", ("sky",), format=form, what="matte")
    if "{name}" not in FORMATS[form].ending:  # its file is called so
        there = [name for name in there if name not in layer_file_names("photo", ("sky",), format=form)]
    for name in there:
        (folder / name).write_text("another's")
    written = write_layers(folder / "photo", layers, format=form, others=("photo", "photo-2"))
    assert all((folder / name).read_bytes() == b"another's" for name in there)
    check_read(form, written, layers)


def check_read(form: str, written: list[Path], layers: Layers) -> None:
    """Names and alphas, read by another program's code where there is one here."""
    if form == "npz":
        with np.load(written[0]) as file:
            assert tuple(file["names"].tolist()) == layers.names
            np.testing.assert_array_equal(file["alphas"], layers.alphas)
    elif form == "psd":
        found = list(PSDImage.open(written[0]))[1:]
        assert tuple(layer.name for layer in reversed(found)) == layers.names
    elif form == "ora":
        with zipfile.ZipFile(written[0]) as archive:
            stack = ElementTree.fromstring(archive.read("stack.xml"))
            top = np.asarray(Image.open(io.BytesIO(archive.read("data/layer0.png"))))[..., 3]
        assert tuple(layer.get("name") for layer in stack.iter("layer"))[:-1] == layers.names
        assert np.abs(top / 255 - layers.alphas[..., 0]).max() < 0.01, "another layer's alpha"
    elif form == "png":
        assert len({path.name.casefold() for path in written}) == len(layers.names)
        read = np.asarray(Image.open(written[0]))  # of 16 bits Pillow gives 8
        assert np.abs(read[..., 3] / 255 - layers.alphas[..., 0]).max() < 0.01, "another layer's alpha"


def try_run_names(rng: np.random.Generator, folder: Path) -> None:
    """No two files of one run have one name, on a disk that knows no capitals either."""
    names = odd_names(rng, 6)
    drawn = [name.replace("/", "_").replace("\0", "")[:60] for name in names if name.strip()]
    pictures = [Path(str(rng.choice(["", "a", "b"]))) / f"{name}.png" for name in ("IMG", "IMG-1", "img-x", *drawn)]
    stems = stems_for(pictures)
    files = [f"{stem}-{word}{end}.png" for stem in stems for word in file_words(names, stem, stems)
             for end in ("", "-premultiplied")]  # fmt: skip
    files += [f"{stem}-{word}.png" for stem in stems for word in ("overlay", "compare", "matte", "input", "pca")]
    keys = [unicodedata.normalize("NFC", name).casefold() for name in files]
    doubled = {key for key in keys if keys.count(key) > 1}
    assert not doubled, doubled
    assert max(len(name.encode("utf-8", "surrogatepass")) for name in files) <= 255


LABELS = np.arange(H * W, dtype=np.uint8).reshape(H, W) % 3
MASKS = np.stack([k == LABELS for k in range(3)])


def _run_lengths(mask: np.ndarray) -> dict[str, object]:
    """COCO's, column by column, beginning with what is outside."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [not mask[-1, -1]]])
    changes = np.flatnonzero(np.diff(flat.astype(int)))
    return {"size": [H, W], "counts": np.diff(np.concatenate([[0], changes])).tolist()}


def _png_text(mask: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


LISTED = [{"segmentation": _run_lengths(mask), "area": 3} for mask in MASKS]
SHAPES = [{"label": "a", "shape_type": "mask", "points": [[0, 0], [W - 1, H - 1]], "mask": _png_text(mask)}
          for mask in MASKS]  # fmt: skip
OUTLINES = [{"label": "b", "shape_type": "circle", "points": [[4, 4], [6, 4]]},
            {"label": "b", "shape_type": "rectangle", "points": [[1, 1], [5, 3]]}]  # fmt: skip
JSON_MASKS: dict[str, object] = {
    "coco.json": {
        "images": [{"id": 7, "file_name": "a.jpg", "height": H, "width": W}],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate("abc")],
        "annotations": [{"image_id": 7, "category_id": k + 1, **entry} for k, entry in enumerate(LISTED)],
    },
    "outlines.json": {
        "images": [{"id": 7, "file_name": "a.jpg", "height": H, "width": W}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 7, "category_id": 1, "area": 12.0, "segmentation": [[1, 1, 8, 1, 8, 7, 1, 7]]}],
    },
    "sam.json": LISTED,
    "rows.json": [{"segmentation": mask.tolist()} for mask in MASKS],
    "sa1b.json": {"image": {"file_name": "a.jpg"}, "annotations": LISTED},
    "labelme.json": {"imageHeight": H, "imageWidth": W, "shapes": SHAPES},
    "shapes.json": {"imageHeight": H, "imageWidth": W, "shapes": OUTLINES},
}
ARRAY_MASKS = {"npz": MASKS[:, None], "batch.npz": MASKS[None], "last.npz": np.moveaxis(MASKS, 0, 2), "npy": MASKS}
DRAWN = ("outlines.json", "shapes.json")  # whose pixels follow from outlines
MASK_KINDS = ("png", "la.png", "tif", "mat", *ARRAY_MASKS, *JSON_MASKS)


@cache
def mask_bytes(kind: str) -> bytes:
    file = io.BytesIO()
    if kind in JSON_MASKS:
        return json.dumps(JSON_MASKS[kind]).encode()
    if kind == "npy":
        np.save(file, MASKS)
    elif kind in ARRAY_MASKS:
        np.savez(file, masks=ARRAY_MASKS[kind], names=np.array(["a", "b", "c"]))
    elif kind == "mat":
        scipy.io.savemat(file, {"S": LABELS})
    else:
        samples = np.dstack([LABELS, np.full_like(LABELS, 255)]) if kind == "la.png" else LABELS
        Image.fromarray(samples).save(file, "TIFF" if kind == "tif" else "PNG")
    return file.getvalue()


def try_masks(kind: str, rng: np.random.Generator, folder: Path) -> None:
    """Damaged files, and whole ones that hold other things than labels."""
    path, data = folder / f"a.{kind}", mask_bytes(kind)
    sound = rng.random() < 0.2
    if kind == "npz" and rng.random() < 0.5:
        sound = False
        odd = (
            np.full((H, W), "sky"), np.zeros((H, W), complex), np.full((H, W), np.nan), np.zeros((2, H, W)) > 0,
            np.zeros(3), np.zeros((H, W), "M8[s]"), np.float64(3), np.zeros((0, H, W)), np.ones((H, W), "u8") << 63,
        )  # fmt: skip
        np.savez(path, **{str(rng.choice(["labels", "masks", "x"])): odd[int(rng.integers(0, len(odd)))]})
    elif kind in JSON_MASKS and not sound and rng.random() < 0.7:
        path.write_bytes(json_of(JSON_MASKS[kind], rng).encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(data if sound else damaged(data, rng))
    found = read_masks(path, (H, W), "a")
    Layers(np.zeros((H, W, 3), np.float32), found.alphas(), found.names)
    if sound and kind not in DRAWN:
        assert len(np.unique(LABELS * 10 + found.labels)) == 3, "other labels than were written"


def try_foreign_weights(rng: np.random.Generator, folder: Path) -> None:
    """A file of torchvision's networks: of another one, odd or damaged."""
    few = {"backbone.conv1.weight": torch.ones(4, 3, 3, 3), "classifier.4.bias": torch.ones(21),
           "roi_heads.box_predictor.cls_score.weight": torch.ones(3, 4)}  # fmt: skip
    path = folder / "a.pth"
    torch.save(odd_tensors(few, rng) if rng.random() < 0.7 else {"model": few, "epoch": 3}, path)
    if rng.random() < 0.9:
        data = bytearray(path.read_bytes())
        struct.pack_into("<I", data, int(rng.integers(0, len(data) - 4)), int(rng.integers(0, 2**32)))
        path.write_bytes(damaged(bytes(data), rng, reach=20_000))
    run = deeplab if rng.random() < 0.5 else mask_rcnn
    run(np.zeros((H, W, 3), np.float32), path)
    raise AssertionError("weights that are none were taken")


KINDS = [
    *(Kind(f"layers {form}", lambda rng, folder, form=form: try_layers(form, rng, folder)) for form in FORMATS),
    Kind("names of a run", try_run_names),
    *(Kind(f"masks {kind}", lambda rng, folder, kind=kind: try_masks(kind, rng, folder))
      for kind in MASK_KINDS),
    Kind("foreign weights", try_foreign_weights),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_some_trials_of_each(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 6, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 200, seed=1, apart=True)
