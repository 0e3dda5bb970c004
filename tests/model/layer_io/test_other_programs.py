"""GIMP, Krita and Blender open the files and find the layers; each test is skipped without its program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import OpenEXR
import pytest
from layer_files import NAMES, soft_alphas
from PIL import Image

from sss_model.files.names import channel_words
from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.layers import whole_numbers
from sss_model.params.hosts import HOSTS

pytestmark = pytest.mark.slow


@pytest.fixture
def layers() -> Layers:
    """Large enough for a program's tiles, smooth enough to be told from another picture."""
    y, x = np.mgrid[:90, :130] / np.float32(130)
    image = np.dstack([x, y, 1 - x]).astype(np.float32)
    return Layers(image, soft_alphas(90, 130), NAMES)


def run(folder: Path, *words: str, screen: bool = False) -> str:
    """What the program says; with a home of its own, and on a screen of its own where it insists on one."""
    needed = [words[0], "xvfb-run"] if screen else [words[0]]
    for program in needed:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    without = {key: value for key, value in os.environ.items() if not key.startswith("QT_")}
    call = ["xvfb-run", "-a", *words] if screen else list(words)
    result = subprocess.run(
        call, env={**without, "HOME": str(home)}, capture_output=True, text=True, timeout=240, check=False
    )
    return result.stdout + result.stderr


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


GIMP = """
(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE "{path}" "{path}")))
       (layers (vector->list (cadr (gimp-image-get-layers image)))))
  (for-each (lambda (layer)
    (let ((mask (car (gimp-layer-get-mask layer))))
      (gimp-message (string-append "layer:" (car (gimp-item-get-name layer)) (if (> mask 0) ":masked" ":whole")))))
    layers)
  (let ((merged (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))))
    (gimp-file-save RUN-NONINTERACTIVE image merged "{out}" "{out}"))
  (gimp-quit 0))
"""


def test_gimp_shows_masked_layers_over_the_picture(tmp_path, layers):
    [path] = write_layers(tmp_path / "photo", layers, format="psd")
    script = GIMP.format(path=path, out=tmp_path / "out.png")
    said = run(tmp_path, "gimp", "-n", "-i", "--batch-interpreter", "plug-in-script-fu-eval", "-b", script)
    found = [line.partition("layer:")[2] for line in said.splitlines() if "layer:" in line]
    assert found == [*(f"{name}:masked" for name in NAMES), "picture:whole"]
    np.testing.assert_allclose(opened(tmp_path / "out.png"), whole_numbers(layers.image, 255), atol=1)


@pytest.mark.parametrize("format", ["psd", "ora"])
def test_krita_shows_named_layers_over_the_picture(tmp_path, layers, format):
    [path] = write_layers(tmp_path / "photo", layers, format=format)
    out = tmp_path / "krita.ora"
    said = run(tmp_path, "krita", "--export", "--export-filename", str(out), str(path), screen=True)
    assert out.is_file(), said
    with zipfile.ZipFile(out) as archive:
        root = ElementTree.fromstring(archive.read("stack.xml"))
        archive.extract("mergedimage.png", tmp_path)
    assert [layer.attrib["name"] for layer in root.iter("layer")] == [*NAMES, "picture"]
    np.testing.assert_allclose(opened(tmp_path / "mergedimage.png"), whole_numbers(layers.image, 255), atol=2)


def test_krita_finds_every_layer_of_the_exr(tmp_path, layers):
    [path] = write_layers(tmp_path / "photo", layers, format="exr")
    out = tmp_path / "krita.ora"
    said = run(tmp_path, "krita", "--export", "--export-filename", str(out), str(path), screen=True)
    assert out.is_file(), said
    with zipfile.ZipFile(out) as archive:
        found = [layer.attrib["name"] for layer in ElementTree.fromstring(archive.read("stack.xml")).iter("layer")]
    assert set(channel_words(NAMES)) <= set(found)


BLENDER = """
import bpy, json, sys
found = {{}}
for name, path in {paths!r}.items():
    image = bpy.data.images.load(path)
    scene = bpy.context.scene
    scene.use_nodes = True
    node = scene.node_tree.nodes.new("CompositorNodeImage")
    node.image = image
    found[name] = [output.name for output in node.outputs]
    matte = scene.node_tree.nodes.new("CompositorNodeCryptomatteV2")
    matte.source = "IMAGE"
    matte.image = image
    found[name + " matte"] = matte.layer_name
print("FOUND" + json.dumps(found))
"""


def test_blender_finds_layers_and_the_cryptomatte(tmp_path, layers):
    paths = {form: str(write_layers(tmp_path / "photo", layers, format=form)[0]) for form in ("exr", "cryptomatte")}
    (tmp_path / "look.py").write_text(BLENDER.format(paths=paths))
    said = run(tmp_path, "blender", "-b", "--python", str(tmp_path / "look.py"))
    found = json.loads(next(line[5:] for line in said.splitlines() if line.startswith("FOUND")))
    assert found["exr"][:2] == ["Combined", "Alpha"]
    assert sorted(found["exr"][2:]) == sorted(channel_words(NAMES))
    assert found["cryptomatte matte"] == "SoftSegments"


FRAMES = """
import bpy
scene = bpy.context.scene
scene.use_nodes = True
tree = scene.node_tree
tree.nodes.clear()
layers, ids = (bpy.data.images.load(path) for path in {paths!r})
layers.source = ids.source = "SEQUENCE"
node = tree.nodes.new("CompositorNodeImage")
node.image, node.frame_duration = layers, {count}
crypto = tree.nodes.new("CompositorNodeCryptomatteV2")
crypto.source, crypto.image, crypto.frame_duration, crypto.frame_start = "IMAGE", ids, {count}, 1
crypto.layer_name, crypto.matte_id = "SoftSegments", {name!r}
out = tree.nodes.new("CompositorNodeOutputFile")
out.base_path, out.format.file_format, out.format.color_depth = {out!r}, "OPEN_EXR", "32"
out.file_slots.clear()
for slot, socket in (("layer", node.outputs[{word!r}]), ("matte", crypto.outputs["Matte"])):
    out.file_slots.new(slot)
    tree.links.new(socket, out.inputs[slot])
tree.links.new(node.outputs[0], tree.nodes.new("CompositorNodeComposite").inputs[0])
bpy.ops.object.camera_add()
scene.camera = bpy.context.object
scene.render.engine, scene.cycles.samples, scene.render.filepath = "CYCLES", 1, {out!r} + "/whole"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = {width}, {height}, 100
scene.frame_start, scene.frame_end = 1, {count}
bpy.ops.render.render(animation=True)
"""


def test_blender_plays_frames_with_the_layers_own_values(tmp_path, layers):
    """Of `--for blender`: numbers last, premultiplied linear colours, and the matte that the Cryptomatte picks."""
    height, width = layers.alphas.shape[:2]
    made = [replace(layers, alphas=np.roll(layers.alphas, frame, axis=2)) for frame in (0, 1)]
    forms = HOSTS["blender"].formats
    files = [
        [write_layers(tmp_path / f"shot.000{frame}", one, format=form, host="blender")[0] for form in forms]
        for frame, one in enumerate(made, 1)
    ]
    name, word = NAMES[1], channel_words(NAMES)[1]
    script = FRAMES.format(
        paths=[str(path) for path in files[0]], count=2, name=name, word=word, out=str(tmp_path / "out"), width=width,
        height=height,
    )  # fmt: skip
    (tmp_path / "play.py").write_text(script)
    said = run(tmp_path, "blender", "-b", "--factory-startup", "--python", str(tmp_path / "play.py"))
    for frame, one in enumerate(made, 1):
        found = {slot: tmp_path / "out" / f"{slot}000{frame}.exr" for slot in ("layer", "matte")}
        assert all(path.is_file() for path in found.values()), said
        with OpenEXR.File(str(files[frame - 1][0]), separate_channels=True) as file:
            written = {letter: np.asarray(file.channels()[f"{word}.{letter}"].pixels, float) for letter in "RGBA"}
        with OpenEXR.File(str(found["layer"]), separate_channels=True) as file:
            for letter, values in written.items():
                np.testing.assert_allclose(file.channels()[letter].pixels, values, atol=1e-6)
        with OpenEXR.File(str(found["matte"]), separate_channels=True) as file:
            np.testing.assert_allclose(file.channels()["R"].pixels, one.alphas[..., 1], atol=1e-3)
