"""What a batch says: of folders, of failures, of files that are there, and at the end of --help."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sss_model.analysis.layer_files import write_layer_files
from sss_model.commands.backbone_options import print_backbones
from sss_model.commands.batch import find_inputs, write_all
from sss_model.commands.extract import main as extract
from sss_model.errors import ImageError, ParameterError
from sss_model.files.export import export_names
from sss_model.layer_io import Layers
from sss_model.params import ExportParams
from sss_model.params.layers import LayerExportParams
from sss_model.progress import Progress


def picture(path: Path, height: int = 20, width: int = 30) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def test_a_folder_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(
        ParameterError, match=r"No photograph is in the folder .*: 0 pictures, 1 file left out: 1 video\."
    ):
        find_inputs([str(tmp_path)])
    picture(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"x")
    assert find_inputs([str(tmp_path)]) == [tmp_path / "a.png"]
    assert capsys.readouterr().err == f"{tmp_path}: 1 picture, 1 file left out: 1 video.\n"


def test_a_path_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"

    def fails(_path: Path, _stem: str, _progress: Progress) -> tuple[list[Path], tuple[str, ...]]:
        raise ImageError(f"{path} is no picture.")

    assert write_all([path], fails, tmp_path, quiet=True) == 1
    assert capsys.readouterr().err.count(str(path)) == 1


def test_files_that_are_kept_are_said_before_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / export_names("a", ExportParams())[0]).touch()
    monkeypatch.setattr("sss_model.commands.extract.read_input", lambda *_: pytest.fail("was read"))
    assert extract([str(path), "-o", str(tmp_path / "out"), "--keep-existing", "--quiet"]) == 1
    assert "already in" in capsys.readouterr().err


def test_a_format_that_cannot_hold_the_picture_stops_no_other(tmp_path: Path) -> None:
    image = np.zeros((1, 30_001, 3), np.float32)
    layers = Layers(image, np.ones((1, 30_001, 1), np.float32), ("a",))
    params = LayerExportParams(formats=("psd", "npz"), overlay=False)
    written = write_layer_files(tmp_path / "a", layers, params, {}, Progress())
    assert [path.suffix for path in written] == [".npz", ".json"]
    with pytest.raises(ParameterError, match="A PSD has at most 30000 pixels a side; the picture is 30001 x 1"):
        write_layer_files(tmp_path / "b", layers, LayerExportParams(formats=("psd",), overlay=False), {}, Progress())


def test_backbones_by_a_part_of_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    print_backbones("dinov2")
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all("dinov2" in line for line in lines)


@pytest.mark.parametrize("name", ["extract", "segment", "train", "evaluate", "convert"])
def test_help_ends_with_examples_and_names_no_empty_default(name: str) -> None:
    text = importlib.import_module(f"sss_model.commands.{name}").build_parser().format_help()
    lines = text.splitlines()
    start = lines.index("Examples:")
    assert all(line.startswith("  sss-") for line in lines[start + 2 :] if line)
    plain = " ".join(text.split())
    assert "; default -" not in plain
    assert "; default;" not in plain
