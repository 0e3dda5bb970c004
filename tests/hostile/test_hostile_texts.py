"""JSON and YAML that say something else than they should: a result, or a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import json_of, mutated

from sss_gui.requests.panes import Source
from sss_gui.saved.segments_entry import SavedSegments
from sss_gui.saved.session_file import SavedSession, read_session, write_session
from sss_gui.state.layer_edits import Edits, Layer
from sss_gui.state.session import State
from sss_model.datasets.coco import instance_mask, read_instances, read_panoptic
from sss_model.matting.steps import Box, Stroke
from sss_model.params import ExportParams, ExtractParams, FilterParams, NetworkParams, ProjectionParams
from sss_model.params.fields import Checked
from sss_model.params.layers import SegmentParams
from sss_model.projection.display_basis import FixedBasis
from sss_model.segmentation.comparisons.mask_files import read_masks
from sss_model.training.config import read_config, with_config, write_config
from sss_model.training.params import TrainParams, preset

BASIS = {"mean": [0.0] * 5, "axes": np.eye(3, 5).tolist(), "explained_variance_ratio": [0.5, 0.3, 0.2],
         "low": [0.0] * 3, "high": [1.0] * 3}  # fmt: skip
INSTANCES = {
    "images": [{"id": 7, "file_name": "a.jpg", "height": 9, "width": 11}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}],
    "annotations": [
        {"image_id": 7, "category_id": 1, "area": 12.0, "segmentation": [[1, 1, 8, 1, 8, 7, 1, 7]]},
        {"image_id": 7, "category_id": 3, "area": 9.0, "segmentation": {"counts": [10, 5, 84], "size": [9, 11]}},
        {"image_id": 7, "category_id": 3, "area": 9.0, "segmentation": {"counts": ":5d2", "size": [9, 11]}},
    ],
}
PANOPTIC = {"annotations": [{"file_name": "a.png", "segments_info": [{"id": 3, "category_id": 1}]}]}
RECORDS: tuple[type[Checked], ...] = (
    ExtractParams, ExportParams, FilterParams, NetworkParams, ProjectionParams, SegmentParams,
)  # fmt: skip


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def try_basis(rng: np.random.Generator, folder: Path) -> None:
    value: Any = BASIS if rng.random() < 0.7 else {"program": "sss-features", "basis": BASIS}
    fixed = FixedBasis.load(written(folder, "basis.json", json_of(value, rng)))
    assert np.isfinite(fixed.basis.project(np.ones((2, 2, fixed.basis.axes.shape[1]), np.float32))).all()


def try_instances(rng: np.random.Generator, folder: Path) -> None:
    found = read_instances(written(folder, "instances_a.json", json_of(INSTANCES, rng)), train_ids=rng.random() < 0.5)
    for picture in found.values():
        for instance in picture.instances:
            assert instance_mask(instance.segmentation, (9, 11)).shape == (9, 11)


def try_panoptic(rng: np.random.Generator, folder: Path) -> None:
    read_panoptic(written(folder, "panoptic_a.json", json_of(PANOPTIC, rng)))


def try_masks(rng: np.random.Generator, folder: Path) -> None:
    found = read_masks(written(folder, "a.json", json_of(INSTANCES, rng)), (9, 11), "a")
    assert found.alphas().shape[:2] == (9, 11)


def try_config(rng: np.random.Generator, folder: Path) -> None:
    content = {**preset("lite2").to_dict(), "data": ["/data/a", {"path": "/data/b", "weight": 2.0, "void": [255]}]}
    draw = rng.random()
    if draw < 0.5:
        text = json_of(json.loads(json.dumps(content)), rng)
    elif draw < 0.9:
        text = yaml.safe_dump(mutated(json.loads(json.dumps(content)), rng), allow_unicode=True)
    else:
        text = ("&a [*a, *a]", "a: &a {b: *a}", "- " * 5000, "run: !!python/object:os.system {}", "run: {seed: 1_0:9}",
                "a: 2024-99-99", "? [a]\n: b", "\ttabs: 1")[int(rng.integers(0, 8))]  # fmt: skip
    params = with_config(preset("paper"), read_config(str(written(folder, "a.yaml", text))))
    assert TrainParams.from_dict(yaml.safe_load(write_config(params))) == params


def try_record(rng: np.random.Generator, folder: Path) -> None:
    record = RECORDS[int(rng.integers(0, len(RECORDS)))]
    values = mutated(json.loads(json.dumps(record().to_dict())), rng)
    made = record.from_dict(values if isinstance(values, dict) else {})
    json.dumps(made.to_dict())


def try_session(rng: np.random.Generator, folder: Path) -> None:
    """A session file of the window; what is read of it can be written and read again."""
    picture, path = folder / "a.png", folder / "a.sss.json"
    picture.touch()
    source = Source(picture, picture.name)
    layers = Layer(1, frozenset([0, 2]), "cat", (1, 2, 3)), Layer(2, frozenset([1]), "sky", (3, 2, 1))
    segments = SavedSegments(
        True, edits=Edits(None, layers, frozenset([1]), steps=(Stroke(((0.1, 0.2),), True, 0.01), Box(0, 0, 1, 1)))
    )
    state, pins = State(source, picture, basis=picture), (source, ((7, 8),))
    whole = SavedSession(state, (source,), ((1, 2),), (5.5, 6.0), 2.0, 1, pins, "clusters", segments=segments)
    write_session(path, whole)
    read = read_session(written(folder, "b.sss.json", json_of(json.loads(path.read_text(encoding="utf-8")), rng)))
    assert np.isfinite([read.scale, *(read.centre or ())]).all()
    write_session(path, read)
    again = read_session(path)
    assert (again.state, again.pins, again.segments) == (read.state, read.pins, read.segments)


KINDS = [
    Kind("basis JSON", try_basis),
    Kind("COCO instances", try_instances),
    Kind("COCO panoptic", try_panoptic),
    Kind("masks JSON", try_masks),
    Kind("training YAML", try_config),
    Kind("parameter records", try_record),
    Kind("session file", try_session),
]


@pytest.mark.filterwarnings("ignore")
def test_a_hundred_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 20, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 500, seed=1, apart=True)
