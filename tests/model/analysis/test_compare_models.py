"""Models side by side: colours that mean the same, measures that are those of sss-eval, and the command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from made_sets import scene
from PIL import Image
from scipy.stats import ortho_group
from small_models import small_checkpoint

from sss_model.analysis.compare_models import (
    ComparedModel,
    ModelComparison,
    compare_models,
    in_one_range,
    read_labels,
    turned_into,
    unlike_titles,
)
from sss_model.analysis.comparison_report import table_text, write_report
from sss_model.commands.compare import parse_model, parse_pin
from sss_model.commands.evaluate import main
from sss_model.errors import Cancelled, DatasetError, DeviceError, ParameterError
from sss_model.params import FilterParams, GridParams
from sss_model.progress import Progress
from sss_model.weights.checkpoint import write_checkpoint

SMALL = GridParams("64", (1.0,))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    paths = []
    for number, channels in enumerate((8, 12)):
        network, _ = small_checkpoint(feature_channels=channels)
        paths.append(folder / f"model{number}.safetensors")
        write_checkpoint(paths[-1], network, {})
    return paths


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    picture, _ = scene(3, size=(96, 128))
    return np.asarray(picture, np.float32) / 255


@pytest.fixture(scope="module")
def comparison(files: list[Path], image: np.ndarray) -> ModelComparison:
    models = [ComparedModel(f"model {k}", file, SMALL) for k, file in enumerate(files)]
    return compare_models(image, models, labels=np.eye(96, 128, dtype=np.int32) + np.arange(128, dtype=np.int32) // 64)


def unit(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean((0, 1))
    return (centred / np.linalg.norm(centred)).astype(np.float32)


def test_components_that_are_turned_are_turned_back() -> None:
    rng = np.random.default_rng(0)
    reference = unit(rng.standard_normal((20, 30, 3)) * (3, 2, 1))
    for seed in range(4):
        turn = ortho_group.rvs(3, random_state=seed)
        back, agreement = turned_into(reference, (reference @ turn).astype(np.float32))
        assert np.abs(back - reference).max() < 1e-5
        assert agreement == pytest.approx(1.0, abs=1e-5)


def test_no_other_turn_is_nearer() -> None:
    rng = np.random.default_rng(1)
    reference, other = (unit(rng.standard_normal((20, 30, 3))) for _ in range(2))
    back, agreement = turned_into(reference, other)
    best = np.linalg.norm(back - reference)
    tried = [np.linalg.norm(other @ ortho_group.rvs(3, random_state=k) - reference) for k in range(200)]
    assert best <= min(tried)
    assert agreement == pytest.approx(float((back * reference).sum()), abs=1e-5)
    assert agreement < 0.3, "noise has nothing in common with noise"


def test_equal_numbers_have_equal_colours() -> None:
    one, two = np.zeros((2, 2, 3), np.float32), np.zeros((2, 2, 3), np.float32)
    one[0, 0], two[0, 0], two[1, 1] = 1, 1, 4
    maps = in_one_range([one, two])
    assert maps[0][0, 0].tolist() == maps[1][0, 0].tolist() == [0.25] * 3
    assert maps[1][1, 1].tolist() == [1.0] * 3


def test_a_model_beside_itself_agrees_and_looks_the_same(files: list[Path], image: np.ndarray) -> None:
    twice = compare_models(image, [ComparedModel("a", files[0], SMALL)] * 2)
    assert [row.title for row in twice.rows] == ["a at 64, scales 1 (1)", "a at 64, scales 1 (2)"]
    assert twice.rows[1].agreement == pytest.approx(1.0, abs=1e-4)
    assert np.abs(twice.pictures[0].astype(int) - twice.pictures[1]).max() <= 1
    assert twice.rows[0].pair_auc is None
    assert len(table_text(twice.rows).splitlines()[0].split("  ")) > 7
    assert "AUC" not in table_text(twice.rows)


def test_rows_say_what_was_measured(comparison: ModelComparison) -> None:
    assert [row.dimensions for row in comparison.rows] == [8, 12]
    for row in comparison.rows:
        assert row.seconds > 0
        assert row.feature_bytes == 4 * row.dimensions * 48 * 64
        assert row.grid == (48, 64)
        assert 0 < row.agreement <= 1
        assert 0 < sum(row.explained) <= 1.0001
        assert row.pair_auc is not None
        assert 0 <= row.pair_auc <= 1
    assert comparison.rows[0].agreement == pytest.approx(1)
    assert [picture.shape for picture in comparison.pictures + comparison.filtered] == [(48, 64, 3)] * 4


def test_grids_of_two_sizes_are_shown_on_the_first(files: list[Path], image: np.ndarray) -> None:
    models = [ComparedModel("a", files[0], SMALL), ComparedModel("b", files[0], GridParams("96", (1.0,)))]
    found = compare_models(image, models)
    assert {picture.shape for picture in found.pictures} == {(48, 64, 3)}
    assert found.rows[1].grid == (72, 96)
    assert found.rows[1].agreement > 0.5
    assert [values.shape for values in found.similarity((5, 5))] == [(48, 64), (72, 96)]


def test_one_pin_gives_the_similarity_in_all(comparison: ModelComparison) -> None:
    for values in comparison.similarity((64, 48)):
        assert values[24, 32] == pytest.approx(1, abs=1e-2)
        assert values.min() >= 0
    distances = comparison.similarity((64, 48), "distance")
    assert distances[0].max() == pytest.approx(1, abs=1e-2)
    with pytest.raises(ParameterError, match=r"The pixel \(128, 0\) is outside the picture of 128 x 96"):
        comparison.similarity((128, 0))


def test_perfect_labels_are_told_apart_and_noise_is_not(files: list[Path], image: np.ndarray) -> None:
    """The AUC must be of the features: labels made of them are told apart better than random ones."""
    models = [ComparedModel("a", files[0], SMALL), ComparedModel("b", files[1], SMALL)]
    plain = compare_models(image, models)
    values = plain.pictures[0][..., 0].repeat(2, 0).repeat(2, 1)
    good = compare_models(image, models, labels=(values > np.median(values)).astype(np.int32)).rows[0].pair_auc
    noise = np.random.default_rng(0).integers(0, 2, (96, 128)).astype(np.int32)
    bad = compare_models(image, models, labels=noise).rows[0].pair_auc
    assert good is not None
    assert bad is not None
    assert good > 0.6
    assert abs(bad - 0.5) < 0.05


def test_bad_calls_are_sentences(files: list[Path], image: np.ndarray) -> None:
    one = ComparedModel("a", files[0], SMALL)
    for models in ([one], [one] * 5):
        with pytest.raises(ParameterError, match=f"Between 2 and 4 models can be compared, got {len(models)}"):
            compare_models(image, models)
    with pytest.raises(ParameterError, match=r"The label map is 5 x 4 pixels, the picture 128 x 96"):
        compare_models(image, [one, one], labels=np.zeros((4, 5), np.int32))
    with pytest.raises(Cancelled):
        compare_models(image, [one, one], progress=Progress(cancelled=lambda: True))


def test_features_that_do_not_fit_are_refused_before_they_are_computed(
    files: list[Path], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: 1000)
    monkeypatch.setattr("sss_model.analysis.compare_models.extract_grid", lambda *_, **__: pytest.fail("computed"))
    models = [ComparedModel("large", file, SMALL) for file in files]
    with pytest.raises(DeviceError, match=r"The features of large at 64, scales 1 \(1\) need 0.0 GB of memory"):
        compare_models(image, models, make_room=asked.append)
    assert asked == [6 * 8 * 48 * 64]


def test_more_urgent_work_passes_before_each_model(files: list[Path], image: np.ndarray) -> None:
    passed: list[int] = []
    models = [ComparedModel("a", file, SMALL) for file in files]
    compare_models(image, models, between=lambda: passed.append(1))
    assert len(passed) == 2


def test_titles_are_told_apart() -> None:
    models = [ComparedModel("a"), ComparedModel("b"), ComparedModel("a", None, GridParams("960", (0.5, 1.0)))]
    assert [model.title for model in unlike_titles(models)] == ["a", "b", "a at 960, scales 0.5, 1"]


def test_a_mask_of_0_and_255_has_two_labels_and_255_is_void_elsewhere(tmp_path: Path) -> None:
    def saved(*rows: list[int]) -> Path:
        Image.fromarray(np.array(rows, np.uint8)).save(tmp_path / "map.png")
        return tmp_path / "map.png"

    assert np.unique(read_labels(saved([0, 255], [0, 0]))).tolist() == [0, 255]
    assert np.unique(read_labels(saved([0, 255], [1, 0]))).tolist() == [-1, 0, 1]
    with pytest.raises(DatasetError, match="holds one label only"):
        read_labels(saved([3, 3], [3, 255]))
    with pytest.raises(DatasetError, match="There is no label map at"):
        read_labels(tmp_path / "none.png")


def test_the_report_holds_pictures_numbers_and_pins(comparison: ModelComparison, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(file, comparison, name="<odd> & name", filter=FilterParams(), pins=[(10, 20), (64, 48)])
    page = file.read_text("utf-8")
    assert "<odd>" not in page
    assert "&lt;odd&gt; &amp; name" in page
    assert page.count("<svg ") == 4, "components, filtered components, and a row a pin"
    assert page.count("data:image/png;base64,") >= 4 * 3
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page), "it loads nothing"
    match = re.search(r'<script type="application/json" id="comparison">(.*?)</script>', page, re.S)
    assert match is not None
    record = json.loads(match[1])
    assert record["picture"] == "<odd> & name"
    assert [row["title"] for row in record["models"]] == [row.title for row in comparison.rows]
    assert "Similarity to pin 2 at 64, 48 (cosine)" in page
    assert "Edge AUC" in page


def test_the_command_prints_the_table_and_writes_the_report(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, labels = scene(3, size=(96, 128))
    Image.fromarray(picture).save(tmp_path / "photo.png")
    Image.fromarray(np.asarray(labels, np.uint8)).save(tmp_path / "labels.png")
    monkeypatch.chdir(tmp_path)
    words = ["--compare", str(files[0]), f"{files[1]}@48:1", "photo.png", "--labels", "labels.png", "--size", "64"]
    assert main([*words, "--scales", "1", "--pin", "3,4", "--json", "numbers.json"]) == 0
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert [row["title"] for row in numbers["models"]] == ["model0 at 64, scales 1", "model1 at 48, scales 1"]
    out = capsys.readouterr().out
    assert "model1 at 48" in out
    assert "Pair AUC" in out
    assert "Wrote photo-models.html." in out
    assert main(words) == 0, "its own report is replaced"
    (tmp_path / "photo-models.html").write_text("mine")
    assert main(words) == 1
    assert (tmp_path / "photo-models.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["shipped", "photo.png"], "--compare takes 2 to 4 models and then a picture, got 2 words"),
        (["nowhere.safetensors", "shipped", "photo.png"], "There is no model file nowhere.safetensors"),
        (["no_such_backbone", "shipped", "photo.png"], "No backbone is called 'no_such_backbone'"),
        (["convnext_tiny", "shipped", "photo.png"], "nothing is downloaded unasked"),
        (["shipped", "shipped", "photo.png", "--pin", "1;2"], "--pin must be X,Y of a pixel in 8 x 6, got '1;2'"),
        (["shipped", "shipped", "gone.png"], "gone.png"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    assert main(["--compare", *words]) in (1, 2)
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "photo-models.html").exists()


def test_the_command_measures_a_model_or_compares_but_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--compare", "a", "b", "c", "--data", "d"], []):
        with pytest.raises(SystemExit):
            main(words)
        assert "--data" in capsys.readouterr().err


def test_words_of_models_and_pins() -> None:
    assert parse_model("a@b@640", GridParams()) == ("a@b", GridParams("640"))
    assert parse_model("a@native:2", GridParams()) == ("a", GridParams("native", (2.0,)))
    with pytest.raises(ParameterError, match="Scales must be numbers"):
        parse_model("a@640:1,,2", GridParams())
    assert parse_pin(" 7 , 5 ", (6, 8)) == (7, 5)
    with pytest.raises(ParameterError):
        parse_pin("8,5", (6, 8))
