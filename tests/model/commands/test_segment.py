"""`sss-segment` on feature files and photographs: every format, every method, what fails."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from sss_model.commands.batch import find_inputs
from sss_model.commands.options import build, words
from sss_model.commands.segment import build_parser, main
from sss_model.errors import ParameterError
from sss_model.extractor import CachedExtractor
from sss_model.image_io import read_image, read_thumbnail, to_picture, write_picture
from sss_model.matting import MatteEditor
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams, SegmentParams
from sss_model.storage.shipped_files import SAMPLE, resource


@pytest.fixture
def pair(tmp_path):
    """A feature file with its photograph: two halves with a noisy border."""
    random = np.random.default_rng(2)
    side = (np.arange(48)[None] + random.integers(-2, 3, (40, 1)) > 24).astype(np.float32)
    picture = 40 + 160 * side[..., None] + random.integers(0, 12, (40, 48, 3))
    write_picture(tmp_path / "photo.png", picture.astype(np.uint8))
    features = side[..., None] * np.array([1, 0, 0.5]) + 0.02 * random.random((40, 48, 3))
    np.savez(tmp_path / "photo.npz", features=np.clip(features, 0, 1).astype(np.float32))
    return tmp_path / "photo.npz"


@pytest.fixture
def masks(tmp_path):
    labels = np.zeros((40, 48), np.uint8)
    labels[:, 24:], labels[:4, :4] = 7, 9
    Image.fromarray(labels).save(tmp_path / "labels.png")
    return tmp_path / "labels.png"


def record(folder, stem="photo"):
    return json.loads((folder / f"{stem}-layers.json").read_text(encoding="utf-8"))


def test_every_format_of_one_picture_with_a_record_beside_them(tmp_path, pair):
    out = tmp_path / "out"
    call = [str(pair), "-o", str(out), "--layers", "2", "--formats", "png,npz,psd,ora,exr,cryptomatte", "--overlay"]
    assert main([*call, "--names", "left,right", "--decontaminate", "--quiet"]) == 0
    said = record(out)
    names = ["photo-left.png", "photo-right.png", "photo-layers.npz", "photo-layers.psd", "photo-layers.ora"]
    names += ["photo-layers.exr", "photo-cryptomatte.exr", "photo-overlay.png"]
    assert said["files"] == names
    assert sorted(path.name for path in out.iterdir()) == sorted([*names, "photo-layers.json"])
    assert said["segment"]["method"] == "sss"
    assert said["segment"]["segment_seed"] == 0
    assert said["alpha"] == {
        "png": "straight", "npz": "matte", "psd": "straight", "ora": "straight", "exr": "premultiplied",
        "cryptomatte": "matte",
    }  # fmt: skip
    assert said["features"]["file"] == "photo.npz"
    shares = [layer["share"] for layer in said["layers"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    with np.load(out / "photo-layers.npz") as content:
        np.testing.assert_allclose(content["alphas"].sum(2), 1, atol=1e-4)
        assert content["names"].tolist() == ["left", "right"]
    assert [layer.name for layer in PSDImage.open(out / "photo-layers.psd")] == ["picture", "right", "left"]


def test_the_photograph_may_be_named_with_its_features(tmp_path, pair):
    (tmp_path / "photo.png").rename(tmp_path / "a.png")
    out = tmp_path / "out"
    call = [str(tmp_path / "a.png"), "-o", str(out), "--layers", "2", "--formats", "npz", "--quiet"]
    assert main([*call, "--features", str(pair)]) == 0
    assert record(out, "a")["features"]["file"] == "photo.npz"


def test_masks_are_layers_as_they_are_and_lifted(tmp_path, pair, masks):
    out = tmp_path / "out"
    call = [str(tmp_path / "photo.png"), "-o", str(out), "--method", "masks", "--masks", str(masks), "--quiet"]
    assert main([*call, "--formats", "npz"]) == 0
    with np.load(out / "photo-layers.npz") as content:
        hard = content["alphas"]
    np.testing.assert_array_equal(np.unique(hard), [0, 1])
    assert [layer["name"] for layer in record(out)["layers"]] == ["class-7", "class-0", "class-9"]
    assert main([*call, "--formats", "npz", "--lift"]) == 0
    with np.load(out / "photo-layers.npz") as content:
        soft = content["alphas"]
    assert ((soft > 0.05) & (soft < 0.95)).any()
    np.testing.assert_allclose(soft.sum(2), 1, atol=1e-5)


def test_a_comparison_shows_image_features_ours_and_the_others(tmp_path, pair, masks):
    out = tmp_path / "out"
    call = [str(pair), "-o", str(out), "--layers", "2", "--compare", "--against", "masks,spectral-matting", "--quiet"]
    assert main([*call, "--masks", str(masks), "--formats", "npz"]) == 0
    assert read_image(out / "photo-compare.png").shape == (40 + 18, 5 * 48 + 4 * 8, 3)


def test_one_that_fails_does_not_stop_the_others(tmp_path, pair, masks, capsys):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    out = tmp_path / "out"
    images = [str(tmp_path / "broken.png"), str(tmp_path / "missing.png"), str(tmp_path / "photo.png")]
    assert main([*images, "-o", str(out), "--method", "masks", "--masks", str(masks), "--quiet"]) == 1
    said = capsys.readouterr().err
    assert said.count("failed: ") == 2
    assert record(out)["source"] == "photo.png"


def test_a_stopped_run_goes_on_where_it_was(tmp_path, pair, masks, capsys):
    call = [str(tmp_path / "photo.png"), "-o", str(tmp_path / "out"), "--method", "masks", "--masks", str(masks)]
    assert main(call) == 0
    stamp = (tmp_path / "out" / "photo-layers.json").stat().st_mtime_ns
    assert main([*call, "--skip-existing"]) == 0
    assert "1 was there already" in capsys.readouterr().out
    assert main([*call, "--keep-existing"]) == 1
    assert (tmp_path / "out" / "photo-layers.json").stat().st_mtime_ns == stamp
    assert main([*call, "--skip-existing", "--lift"]) == 0  # other layers: not these files
    assert (tmp_path / "out" / "photo-layers.json").stat().st_mtime_ns > stamp


@pytest.mark.parametrize(
    "call",
    [["--layers", "0"], ["--formats", "jpeg"], ["--method", "magic"], ["--method", "masks"], ["--against", "sss"],
     ["--formats", ""], ["--overwrite", "--skip-existing"]],
)  # fmt: skip
def test_wrong_calls_leave_with_two_and_a_sentence(tmp_path, pair, call, capsys):
    with pytest.raises(SystemExit) as left:
        main([str(pair), "-o", str(tmp_path / "out"), *call])
    assert left.value.code == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_its_own_layers_stays_one_picture(tmp_path, masks):
    folder = tmp_path / "photos"
    folder.mkdir()
    (tmp_path / "labels.png").rename(tmp_path / "labels-there.png")
    write_picture(folder / "ok.png", np.full((40, 48, 3), 90, np.uint8))
    call = [str(folder), "-o", str(folder), "--method", "masks", "--masks", str(tmp_path / "labels-there.png")]
    assert main([*call, "--formats", "png,psd", "--overlay", "--quiet"]) == 0
    assert [path.name for path in find_inputs([str(folder)])] == ["ok.png"]
    assert main([*call, "--skip-existing", "--quiet"]) == 0


@pytest.mark.parametrize(
    "params",
    [
        SegmentParams(method="deeplab", layers=16, size=0, segment_seed=7, lift=True),
        LayerExportParams(formats=("psd", "exr"), decontaminate=True, overlay=True, against=("masks", "deeplab")),
        LayerExportParams(formats=(), compare=True),
    ],
)
def test_options_give_back_the_record(params):
    options = build_parser().parse_args(["a.png", "-o", "out", *words(params)])
    assert build(type(params), options) == params


def test_nothing_to_write_is_refused():
    with pytest.raises(ParameterError, match="nothing to write"):
        LayerExportParams(formats=())


def test_features_belong_to_one_picture(tmp_path, pair):
    with pytest.raises(SystemExit):
        main([str(pair), str(tmp_path / "photo.png"), "-o", str(tmp_path / "out"), "--features", str(pair)])


def test_a_network_without_weights_is_named_before_any_picture(tmp_path, pair, capsys):
    assert main([str(pair), "-o", str(tmp_path / "out"), "--method", "pspnet", "--quiet"]) == 1
    assert "PSPNet needs a file of weights" in capsys.readouterr().err


def test_another_picture_of_the_same_name_is_not_taken_for_the_first(tmp_path, pair, masks, capsys):
    other = tmp_path / "b" / "photo.png"
    other.parent.mkdir()
    write_picture(other, np.zeros_like(to_picture(read_image(tmp_path / "photo.png"))))
    call = ["-o", str(tmp_path / "out"), "--method", "masks", "--masks", str(masks), "--quiet"]
    assert main([str(tmp_path / "photo.png"), *call]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for flags in ([], ["--skip-existing"]):
        assert main([str(other), *call, *flags]) == 1
        assert "those of another photo.png, with other contents" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert main([str(other), *call, "--overwrite"]) == 0


def test_layers_called_as_other_files_are_replace_none_of_the_run(tmp_path, pair, masks):
    """photo's layer 2-overlay and photo-2's overlay; a comparison and an overlay; a layer below the default's name."""
    (tmp_path / "photo-2.png").write_bytes((tmp_path / "photo.png").read_bytes())
    out = tmp_path / "out"
    call = [str(tmp_path / "photo.png"), str(tmp_path / "photo-2.png"), "-o", str(out), "--method", "masks"]
    call += ["--masks", str(masks), "--overlay", "--quiet", "--names", "overlay,2-overlay,a\x07b"]
    assert main(call) == 0
    listed = [file for stem in ("photo", "photo-2") for file in [*record(out, stem)["files"], f"{stem}-layers.json"]]
    assert len({name.casefold() for name in listed}) == 2 * (3 + 2)
    assert sorted(path.name for path in out.iterdir()) == sorted(listed)
    assert [layer["name"] for layer in record(out)["layers"]] == ["overlay", "2-overlay", "a b"]
    assert read_image(out / "photo-overlay.png").shape == (40, 48, 3)
    assert main([*call, "--names", "class-9"]) == 0, "the smallest has that name of itself"


def test_the_overlay_has_the_colours_of_the_call(tmp_path, pair, masks):
    call = [str(tmp_path / "photo.png"), "--method", "masks", "--masks", str(masks), "--overlay", "--quiet"]
    assert main([*call, "-o", str(tmp_path / "plain")]) == 0
    assert main([*call, "-o", str(tmp_path / "red"), "--colours", "#ff0000"]) == 0
    plain, red = (read_image(tmp_path / name / "photo-overlay.png") for name in ("plain", "red"))
    assert (red != plain).any(), "the largest layer is red"
    assert (red == plain).any(), "the others have the colours they had"
    assert (red - plain)[..., 0].max() > 0
    with pytest.raises(SystemExit):
        main([*call, "-o", str(tmp_path / "no"), "--colours", "red"])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
@pytest.mark.parametrize("method", ["sss", "spectral-matting"])
def test_the_smallest_pictures_have_layers(tmp_path, size, method):
    """A grid of fewer than 8 pixels was refused, as if somebody had asked for one."""
    random = np.random.default_rng(0)
    write_picture(tmp_path / "a.png", random.integers(0, 255, (*size, 3), dtype=np.uint8))
    np.savez(tmp_path / "a.npz", features=random.random((*size, 4), np.float32))
    call = [str(tmp_path / "a.npz"), "-o", str(tmp_path / "out"), "--method", method, "--formats", "npz,psd", "--quiet"]
    assert main([*call, "--layout", "HWD"]) == 0
    with np.load(tmp_path / "out" / "a-layers.npz") as file:
        np.testing.assert_allclose(file["alphas"].sum(axis=2), np.ones(size), atol=1e-5)


@pytest.fixture
def recipe(tmp_path, pair):
    """A recipe of the right half of the pair's picture, and its matte as the editor has it."""
    image, features = read_image(tmp_path / "photo.png"), np.load(pair)["features"]
    editor = MatteEditor(image, features)
    alpha = editor.click(36, 20)
    (tmp_path / "recipe.json").write_text(json.dumps(editor.recipe()), encoding="utf-8")
    return tmp_path / "recipe.json", alpha


def test_a_recipe_writes_the_editors_matte_beside_layers(tmp_path, pair, recipe):
    out, (file, alpha) = tmp_path / "out", recipe
    common = ["-o", str(out), "--formats", "png,npz,psd", "--quiet"]
    assert main([str(pair), *common, "--layers", "2"]) == 0
    layers = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main([str(pair), *common, "--matte", str(file)]) == 0
    matte = {path.name for path in out.iterdir()} - set(layers)
    assert matte == {"photo-matte.png", "photo-cutout.png", "photo-matte.npz", "photo-matte.psd", "photo-matte.json"}
    assert all((out / name).read_bytes() == content for name, content in layers.items())
    with np.load(out / "photo-matte.npz") as content:
        np.testing.assert_array_equal(content["alphas"][..., 0], alpha)
    grey = cv2.imread(str(out / "photo-matte.png"), cv2.IMREAD_UNCHANGED)
    assert grey.dtype == np.uint16
    np.testing.assert_array_equal(grey, np.floor(alpha * np.float32(65535) + np.float32(0.5)).astype(np.uint16))
    said = json.loads((out / "photo-matte.json").read_text(encoding="utf-8"))
    assert said["recipe"] == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("what", ["layers", "matte"])
def test_pictures_side_by_side_have_the_files_of_pictures_alone(tmp_path, monkeypatch, what):
    sample = read_thumbnail(resource(SAMPLE), 96)
    for number, name in enumerate("ab"):
        write_picture(tmp_path / f"{name}.png", sample[9 * number : 64 + 9 * number])
    more = ["--layers", "3", "--formats", "png,npz"]
    if what == "matte":
        image = read_image(tmp_path / "a.png")
        editor = MatteEditor(image, CachedExtractor().extractor(None, ExtractParams()).extract(image))
        editor.click(48, 40)
        (tmp_path / "recipe.json").write_text(json.dumps(editor.recipe()), encoding="utf-8")
        more = ["--matte", str(tmp_path / "recipe.json")]
    call = [*(str(tmp_path / f"{name}.png") for name in "ab"), "--quiet", *more]
    for threads in (1, 2):
        monkeypatch.setattr("sss_model.commands.segment.threads_for", lambda *_, threads=threads, **__: threads)
        assert main([*call, "-o", str(tmp_path / f"{threads}")]) == 0
    files = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert len(files) == (10 if what == "layers" else 6)
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_a_matte_stays_only_where_its_recipe_is_the_same(tmp_path, pair, recipe, capsys):
    out, (file, _) = tmp_path / "out", recipe
    call = [str(pair), "-o", str(out), "--matte", str(file), "--skip-existing"]
    assert main(call) == 0
    assert main(call) == 0
    assert "1 was there already" in capsys.readouterr().out
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["matte"]["invert"] = True
    file.write_text(json.dumps(changed), encoding="utf-8")
    assert main(call) == 0
    assert "already" not in capsys.readouterr().out


def test_pictures_without_the_thing_are_named(tmp_path, pair, recipe, capsys):
    image = np.full((40, 48, 3), 60, np.uint8)
    write_picture(tmp_path / "other.png", image)
    np.savez(tmp_path / "other.npz", features=np.zeros((40, 48, 3), np.float32))
    assert main([str(pair), str(tmp_path / "other.npz"), "-o", str(tmp_path / "out"), "--matte", str(recipe[0])]) == 0
    assert "doubtful, the thing may not be there: other.npz" in capsys.readouterr().err


def test_what_is_no_recipe_is_refused(tmp_path, pair, capsys):
    for text in ("{}", "[1]", "{", None):
        file = tmp_path / "recipe.json"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, encoding="utf-8")
        assert main([str(pair), "-o", str(tmp_path / "out"), "--matte", str(file), "--quiet"]) == 2
        assert "recipe" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(pair), "-o", str(tmp_path / "out"), "--matte", str(file), "--compare"])
