"""Other programs' segmentations: hard and lifted, from files, and from networks with random weights."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision.models import segmentation as torchvision_segmentation
from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

from sss_model.errors import CheckpointError, DatasetError
from sss_model.segmentation.comparisons import (
    deeplab,
    hard_segmentation,
    mask_rcnn,
    network_weights,
    networks,
    pspnet,
    read_masks,
)
from sss_model.segmentation.comparisons.hard_segmentation import MOST_LAYERS, numbered
from sss_model.segmentation.comparisons.pspnet import PSPNet, class_names, load_pspnet


def picture(height: int = 65, width: int = 97) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3)).astype(np.float32)


# --- hard and lifted


def test_labels_become_layers_by_falling_size():
    labels = np.array([[7, 7, 7, 7], [2, 2, 2, 9]])
    hard = hard_segmentation(labels, {7: "sky", 2: "sea"})
    assert hard.names == ("sky", "sea", "class-9")
    np.testing.assert_array_equal(hard.alphas().argmax(2), [[0, 0, 0, 0], [1, 1, 1, 2]])
    np.testing.assert_array_equal(np.unique(hard.alphas()), [0, 1])


def test_the_smallest_of_many_are_one_layer():
    labels = np.repeat(np.arange(50), np.arange(50, 0, -1))[None]
    hard = hard_segmentation(labels, {})
    assert len(hard.names) == MOST_LAYERS
    assert hard.names[-1] == "others"
    assert hard.alphas().sum() == labels.size
    assert (hard.labels[labels >= MOST_LAYERS - 1] == MOST_LAYERS - 1).all()


def test_names_that_are_alike_are_numbered():
    assert numbered({0: "background", 4: "person", 9: "person"}) == {0: "background", 4: "person-1", 9: "person-2"}
    assert numbered({0: "a-1", 1: "a", 2: "a"}) == {0: "a-1", 1: "a-2", 2: "a-3"}


def test_lifted_masks_sum_to_one_and_follow_the_picture():
    image = np.full((60, 80, 3), 0.1, np.float32)
    image[:, 43:] = 0.9
    labels = np.zeros((60, 80), np.int32)
    labels[:, 40:] = 1  # three pixels off the edge
    hard = hard_segmentation(labels, {})
    alphas = hard.lifted(image, radius=6, eps=1e-4)
    np.testing.assert_allclose(alphas.sum(2), 1, atol=1e-6)
    assert alphas.min() >= 0
    right = alphas[..., hard.labels[0, -1]]
    assert np.abs(right[:, 43:] - 1).max() < 0.01  # the far side is whole
    assert np.diff(right[30])[42] > 4 * np.abs(np.diff(right[30])[38:41]).max()  # the step moved to the edge
    noise = picture(1, 9)
    np.testing.assert_allclose(hard_segmentation(np.arange(9)[None] // 5, {}).lifted(noise).sum(2), 1, atol=1e-6)


# --- from files


def test_an_index_png_is_a_segmentation(tmp_path):
    labels = np.zeros((20, 30), np.uint8)
    labels[:5], labels[5:, :9] = 3, 200
    index = Image.fromarray(labels)
    index.putpalette(list(range(256)) * 3)
    index.save(tmp_path / "a.png")
    hard = read_masks(tmp_path / "a.png", (20, 30), "a")
    assert hard.names == ("class-0", "class-3", "class-200")
    np.testing.assert_array_equal(hard.alphas()[..., 2] == 1, labels == 200)
    with pytest.raises(DatasetError, match="of a picture of 30 x 20 pixels, this one has 20 x 20"):
        read_masks(tmp_path / "a.png", (20, 20), "a")


def test_cocos_outlines_are_a_segmentation_the_small_on_the_large(tmp_path):
    def square(left, top, side):
        return [[left, top, left + side, top, left + side, top + side, left, top + side]]

    objects = [(1, square(2, 2, 4), 16), (1, square(0, 0, 12), 144), (18, square(20, 10, 5), 25)]
    content = {
        "images": [{"id": 5, "file_name": "photo.jpg", "height": 20, "width": 30}],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
        "annotations": [
            {"image_id": 5, "category_id": category, "segmentation": outline, "area": area}
            for category, outline, area in objects
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    hard = read_masks(tmp_path / "coco.json", (20, 30), "photo")
    assert hard.names == ("background", "person-1", "dog", "person-2")
    np.testing.assert_array_equal((hard.alphas() == 1).sum((0, 1)), [600 - 144 - 25, 144 - 16, 25, 16])
    with pytest.raises(DatasetError, match="says nothing of a picture other"):
        read_masks(tmp_path / "coco.json", (20, 30), "other")


@pytest.mark.parametrize("last", [False, True])
def test_an_npz_of_masks_is_a_segmentation(tmp_path, last):
    masks = np.zeros((2, 20, 30), bool)
    masks[0, :10, :10], masks[1, 3:5, 3:5] = True, True
    np.savez(tmp_path / "a.npz", masks=np.moveaxis(masks, 0, 2) if last else masks, names=np.array(["cat", "eye"]))
    hard = read_masks(tmp_path / "a.npz", (20, 30), "a")
    assert hard.names == ("background", "cat", "eye")
    np.testing.assert_array_equal((hard.alphas() == 1).sum((0, 1)), [500, 96, 4])
    np.savez(tmp_path / "b.npz", labels=masks[0].astype(np.uint8))
    assert read_masks(tmp_path / "b.npz", (20, 30), "b").names == ("class-0", "class-1")


def test_a_folder_has_a_file_for_each_picture(tmp_path):
    np.savez(tmp_path / "photo.npz", labels=np.zeros((4, 5), np.uint8))
    assert read_masks(tmp_path, (4, 5), "photo").names == ("class-0",)
    with pytest.raises(DatasetError, match=r"holds no other\.png"):
        read_masks(tmp_path, (4, 5), "other")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"scores": np.zeros(3)}, "holds no masks"),
        ({"masks": np.zeros((2, 9, 9), bool)}, "of a picture of"),
        ({"masks": np.array([{}], object)}, "no file of plain arrays"),
        ({"labels": np.full((20, 30), "sky")}, "holds labels of str96 and 2 axes; expected numbers"),
        ({"masks": np.zeros((2, 20, 30), complex)}, "masks of complex128 and 3 axes"),
        ({"masks": np.zeros(9)}, "masks of float64 and 1 axes"),
        ({"labels": np.full((20, 30), np.nan)}, "NaN or infinity in labels"),
        (None, "There is no file of masks"),
    ],
)
def test_masks_that_are_none_are_refused(tmp_path, content, said):
    if content is not None:
        np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DatasetError, match=said):
        read_masks(tmp_path / "a.npz", (20, 30), "a")


def test_an_npz_whose_member_is_no_array_is_said(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("masks.npx", b"bytes")
    with pytest.raises(DatasetError, match="holds no masks"):
        read_masks(tmp_path / "a.npz", (20, 30), "a")


# --- torchvision's networks


def shaken(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Random weights whose norms are not the identity."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def mobile(tmp_path_factory):
    """torchvision's smallest DeepLab, and its file."""
    theirs = shaken(
        torchvision_segmentation.deeplabv3_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=21, aux_loss=True
        ),
        3,
    )
    path = tmp_path_factory.mktemp("deeplab") / "deeplab.pth"
    torch.save(theirs.state_dict(), path)
    return theirs, path


def test_deeplab_gives_the_classes_that_torchvisions_own_network_gives(mobile):
    theirs, path = mobile
    image = picture()
    hard = deeplab(image, path)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = theirs((batch - mean) / std)["out"][0].argmax(0).numpy()
    categories = torchvision_segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"]
    named = np.array([name.replace("__background__", "background") for name in categories])
    np.testing.assert_array_equal(np.array(hard.names)[hard.labels], named[expected])


def test_a_large_picture_is_seen_smaller_and_labelled_whole(mobile, monkeypatch):
    monkeypatch.setattr(networks, "NETWORK_SIDE", 64)
    assert deeplab(picture(100, 200), mobile[1]).labels.shape == (100, 200)


@pytest.mark.slow
def test_mask_rcnn_takes_torchvisions_weights_and_names_every_other(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "SCORE", 0.0)  # random weights are sure of nothing
    state = shaken(maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=91), 1).state_dict()
    torch.save(state, tmp_path / "mask.pth")
    hard = mask_rcnn(picture(), tmp_path / "mask.pth")
    assert hard.labels.shape == (65, 97)
    assert len(hard.names) > 1
    state["roi_heads.surplus"] = state.pop("roi_heads.box_predictor.bbox_pred.bias")
    torch.save(state, tmp_path / "mask.pth")
    with pytest.raises(CheckpointError, match=r"missing roi_heads.box_predictor.bbox_pred.bias .*left over .*surplus"):
        mask_rcnn(picture(), tmp_path / "mask.pth")


def test_a_pixel_of_several_instances_belongs_to_the_surest(tmp_path, monkeypatch):
    masks = torch.zeros(3, 1, 20, 30)
    masks[0, :, :10], masks[1, :, 5:15], masks[2, :, :, 25:] = 0.9, 0.9, 0.9
    found = {"scores": torch.tensor([0.9, 0.8, 0.7]), "labels": torch.tensor([1, 18, 1]), "masks": masks}

    class Fake(torch.nn.Module):
        def forward(self, images):
            assert [list(image.shape) for image in images] == [[3, 20, 30]]
            return [found]

    monkeypatch.setattr(networks, "read_weights", lambda _path: {})
    monkeypatch.setattr("torchvision.models.detection.maskrcnn_resnet50_fpn_v2", lambda **_: Fake())
    hard = mask_rcnn(picture(20, 30), tmp_path / "any.pth")
    named = np.array(hard.names)[hard.labels]
    assert set(hard.names) == {"background", "person-1", "dog", "person-2"}
    assert named[2, 2] == named[7, 2] == named[2, 28] == "person-1"
    assert named[12, 2] == "dog"
    assert named[18, 28] == "person-2"
    assert named[18, 2] == "background"


def test_weights_are_never_downloaded_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for method in ("mask-rcnn", "deeplab"):
        with pytest.raises(CheckpointError, match="nothing is downloaded unasked"):
            network_weights(method, None, consent=False)
    with pytest.raises(CheckpointError, match="PSPNet needs a file of weights"):
        network_weights("pspnet", None, consent=True)
    with pytest.raises(CheckpointError, match=r"no weights file at .*none\.pth"):
        network_weights("pspnet", tmp_path / "none.pth", consent=False)
    (tmp_path / "here.pth").touch()
    assert network_weights("deeplab", tmp_path / "here.pth", consent=False) == tmp_path / "here.pth"


# --- PSPNet, under the names of the two programs' files


def random_state(stem: tuple[int, int], classes: int) -> dict[str, torch.Tensor]:
    """Weights under OpenMMLab's names, made from the architecture's description and not from our modules."""
    random = torch.Generator().manual_seed(5)
    state: dict[str, torch.Tensor] = {}

    def conv(name, outputs, inputs, kernel):
        fan = inputs * kernel * kernel
        state[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel, generator=random) * (2 / fan) ** 0.5

    def norm(name, channels):
        state[f"{name}.weight"] = torch.rand(channels, generator=random) * 0.5 + 0.5
        state[f"{name}.bias"] = torch.randn(channels, generator=random) * 0.1
        state[f"{name}.running_mean"] = torch.randn(channels, generator=random) * 0.1
        state[f"{name}.running_var"] = torch.rand(channels, generator=random) + 0.5

    for place, (inputs, outputs) in zip((0, 3, 6), ((3, stem[0]), (stem[0], stem[0]), stem), strict=True):
        conv(f"backbone.stem.{place}", outputs, inputs, 3)
        norm(f"backbone.stem.{place + 1}", outputs)
    before = stem[1]
    for stage, (blocks, width) in enumerate(zip((3, 4, 6, 3), (64, 128, 256, 512), strict=True), 1):
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            shapes = ((width, before, 1), (width, width, 3), (4 * width, width, 1))
            for k, (outputs, inputs, kernel) in enumerate(shapes, 1):
                conv(f"{name}.conv{k}", outputs, inputs, kernel)
                norm(f"{name}.bn{k}", outputs)
            if block == 0:
                conv(f"{name}.downsample.0", 4 * width, before, 1)
                norm(f"{name}.downsample.1", 4 * width)
            before = 4 * width
    for level in range(4):
        conv(f"decode_head.psp_modules.{level}.1.conv", 512, 2048, 1)
        norm(f"decode_head.psp_modules.{level}.1.bn", 512)
    conv("decode_head.bottleneck.conv", 512, 4096, 3)
    norm("decode_head.bottleneck.bn", 512)
    conv("decode_head.conv_seg", classes, 512, 1)
    state["decode_head.conv_seg.bias"] = torch.randn(classes, generator=random)
    return state


def plainly_computed(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """PSPNet step by step from its weights, as the paper and the two programs' configurations have it."""

    def step(name, norm, x, *, stride=1, dilation=1, relu=True):
        weight = state[f"{name}.weight"]
        padding = dilation * (weight.shape[-1] // 2)
        x = functional.conv2d(x, weight, None, stride, padding, dilation)
        kinds = ("running_mean", "running_var", "weight", "bias")
        x = functional.batch_norm(x, *(state[f"{norm}.{kind}"] for kind in kinds))
        return functional.relu(x) if relu else x

    for place, stride in ((0, 2), (3, 1), (6, 1)):
        x = step(f"backbone.stem.{place}", f"backbone.stem.{place + 1}", x, stride=stride)
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, (blocks, stride, first, rest) in enumerate(((3, 1, 1, 1), (4, 2, 1, 1), (6, 1, 1, 2), (3, 1, 2, 4)), 1):
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            s, d = (stride, first) if block == 0 else (1, rest)
            y = step(f"{name}.conv1", f"{name}.bn1", x)
            y = step(f"{name}.conv2", f"{name}.bn2", y, stride=s, dilation=d)
            y = step(f"{name}.conv3", f"{name}.bn3", y, relu=False)
            if block == 0:
                x = step(f"{name}.downsample.0", f"{name}.downsample.1", x, stride=s, relu=False)
            x = functional.relu(x + y)
    levels = [x]
    for level, cells in enumerate((1, 2, 3, 6)):
        name = f"decode_head.psp_modules.{level}.1"
        pooled = step(f"{name}.conv", f"{name}.bn", functional.adaptive_avg_pool2d(x, cells))
        levels.append(functional.interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=False))
    x = step("decode_head.bottleneck.conv", "decode_head.bottleneck.bn", torch.cat(levels, 1))
    return functional.conv2d(x, state["decode_head.conv_seg.weight"], state["decode_head.conv_seg.bias"])


@pytest.fixture(scope="module")
def openmmlab(tmp_path_factory):
    """A file as OpenMMLab publishes them, and its weights."""
    state = random_state((32, 64), 19)
    surplus = {"auxiliary_head.convs.0.conv.weight": torch.zeros(1), "auxiliary_head.conv_seg.bias": torch.zeros(19)}
    path = tmp_path_factory.mktemp("mmseg") / "pspnet_r50-d8.pth"
    meta = {"CLASSES": ("road", "sidewalk"), "PALETTE": [[1, 2, 3]], "mmseg_version": "0.5"}
    torch.save({"meta": meta, "state_dict": state | surplus}, path)
    return path, state


def as_csail(state: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The encoder and the decoder of the same weights under CSAIL's names."""
    encoder, decoder = {}, {}
    stem = {"0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2", "6": "conv3", "7": "bn3"}
    for name, tensor in state.items():
        parts = name.split(".")
        if parts[1] == "stem":
            encoder[".".join([stem[parts[2]], *parts[3:]])] = tensor
        elif parts[0] == "backbone":
            encoder[".".join(parts[1:])] = tensor
        elif parts[1] == "psp_modules":
            decoder[f"ppm.{parts[2]}.{1 if parts[4] == 'conv' else 2}.{parts[5]}"] = tensor
        elif parts[1] == "bottleneck":
            decoder[f"conv_last.{0 if parts[2] == 'conv' else 1}.{parts[3]}"] = tensor
        else:
            decoder[f"conv_last.4.{parts[2]}"] = tensor
    encoder["bn1._running_iter"] = torch.ones(1)  # their synchronised norm's own counters
    decoder["cbr_deepsup.0.weight"], decoder["conv_last_deepsup.bias"] = torch.zeros(1), torch.zeros(1)
    return encoder, decoder


def normalised(image: np.ndarray) -> torch.Tensor:
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (torch.from_numpy(image).permute(2, 0, 1)[None] - mean) / std


def test_pspnet_computes_what_its_description_says(openmmlab):
    path, state = openmmlab
    image = picture(49, 65)
    with torch.inference_mode():
        expected = plainly_computed(state, normalised(image))
        scores = load_pspnet(path)(torch.from_numpy(image).permute(2, 0, 1)[None])
    assert expected.abs().mean() > 0.01
    torch.testing.assert_close(scores, expected, atol=1e-3, rtol=1e-3)
    assert class_names(path) == ("road", "sidewalk")
    hard = pspnet(image, path)
    assert hard.labels.shape == (49, 65)
    assert set(hard.names) <= {"road", "sidewalk", *(f"class-{k}" for k in range(2, 19))}


@pytest.mark.slow
def test_csails_two_files_are_the_same_network(tmp_path):
    state = random_state((64, 128), 150)
    encoder, decoder = as_csail(state)
    torch.save(encoder, tmp_path / "encoder_epoch_20.pth")
    with pytest.raises(CheckpointError, match=r"not beside it: expected .*decoder_epoch_20\.pth"):
        load_pspnet(tmp_path / "encoder_epoch_20.pth")
    torch.save(decoder, tmp_path / "decoder_epoch_20.pth")
    network = load_pspnet(tmp_path / "encoder_epoch_20.pth")
    image = picture(33, 41)
    with torch.inference_mode():
        scores = network(torch.from_numpy(image).permute(2, 0, 1)[None])
        torch.testing.assert_close(scores, plainly_computed(state, normalised(image)), atol=1e-3, rtol=1e-3)
    assert class_names(tmp_path / "encoder_epoch_20.pth") == ()


def test_every_missing_and_left_over_name_is_listed(tmp_path, openmmlab):
    state = dict(openmmlab[1])
    gone = [name for name in state if ".layer2." in name and name.endswith("bias")]
    assert len(gone) > 8
    for name in gone:
        del state[name]
    state["decode_head.more.weight"] = torch.zeros(2)
    state["backbone.layer1.0.bn1.bias"] = torch.zeros(3)
    torch.save({"state_dict": state}, tmp_path / "broken.pth")
    with pytest.raises(CheckpointError) as refused:
        load_pspnet(tmp_path / "broken.pth")
    said = str(refused.value)
    assert all(name in said for name in [*gone, "decode_head.more.weight"])
    assert "shape of backbone.layer1.0.bn1.bias: expected [64], got [3]" in said


def test_a_checkpoint_of_another_network_is_named_as_such(tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"holds no PSPNet .*stem\.0\.weight.* among conv1\.weight"):
        load_pspnet(tmp_path / "other.pth")


def test_a_deeper_network_is_told_by_its_file():
    assert sum(name.startswith("backbone.layer3.") for name in PSPNet(2, depth=101).state_dict()) > 300


def test_class_names_are_read_of_old_containers_too(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"meta": {"CLASSES": ("road", "sky")}, "state_dict": {}}, path, _use_new_zipfile_serialization=False)
    assert class_names(path) == ("road", "sky")
    torch.save({"meta": {"CLASSES": 3}}, path)
    assert class_names(path) == ()


def test_a_damaged_checkpoint_is_said(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.zeros(9)}}, path)
    path.write_bytes(path.read_bytes()[:200])
    for read in (class_names, load_pspnet):
        with pytest.raises(CheckpointError, match=r"^a\.pth holds"):
            read(path)
    torch.save({"backbone.stem.0.weight": torch.tensor(1.0)}, path)
    with pytest.raises(CheckpointError, match=r"backbone\.stem\.0\.weight has the shape \[\]"):
        load_pspnet(path)


# --- masks of other programs


def compressed(mask: np.ndarray) -> str:
    """COCO's compressed run lengths, by the rules of its C code."""
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    runs = np.diff([0, *edges, flat.size]).tolist()
    text = ""
    for place, run in enumerate(runs):
        value, more = run - (runs[place - 2] if place > 2 else 0), True
        while more:
            digit, value = value & 0x1F, value >> 5
            more = value != (-1 if digit & 0x10 else 0)
            text += chr((digit | 0x20 * more) + 48)
    return text


def written_masks(folder, form):
    """Three masks, the smaller on the larger; of areas that are told wrongly."""
    masks = np.zeros((3, 20, 30), bool)
    masks[0, 2:18, 2:28], masks[1, 4:10, 4:12], masks[2, 12:16, 20:26] = True, True, True
    runs = [{"size": [20, 30], "counts": compressed(mask)} for mask in masks]
    boxes = [(2, 2, 28, 18), (4, 4, 12, 10), (20, 12, 26, 16)]
    polygons = [[x, y, u, y, u, v, x, v] for x, y, u, v in boxes]
    path = folder / f"photo.{form[:3] if form[:2] == 'np' else 'json'}"
    if form[:2] == "np":
        if form == "npy":
            np.save(path, masks)
        else:
            np.savez(path, masks=masks[:, None] if form == "npz" else masks[None])
        return path, masks
    pixels = [io.BytesIO() for _ in boxes]
    for (x, y, u, v), file in zip(boxes, pixels, strict=True):
        Image.fromarray(np.ones((v - y, u - x), bool)).save(file, "PNG")
    entries = {
        "sam": [{"segmentation": run, "area": 1} for run in runs],
        "sa1b": {"image": {"file_name": "photo.jpg"}, "annotations": [{"segmentation": run, "id": 1} for run in runs]},
        "labelme": {"imageHeight": 20, "imageWidth": 30, "shapes": [
            {"label": "cat", "points": [[x, y], [u, v]], "shape_type": "rectangle"} for x, y, u, v in boxes]},
        "labelme masks": {"imageHeight": 20, "imageWidth": 30, "shapes": [
            {"label": "cat", "points": [[x, y], [u - 1, v - 1]], "shape_type": "mask",
             "mask": base64.b64encode(file.getvalue()).decode()}
            for (x, y, u, v), file in zip(boxes, pixels, strict=True)]},
        "sam rows": [{"segmentation": mask.tolist()} for mask in masks],
        "coco": {"images": [{"id": 1, "file_name": "photo.jpg"}], "annotations": [
            {"image_id": 1, "category_id": 3, "segmentation": [p]} for p in polygons]},
        "coco runs": {"images": [{"id": 1, "file_name": "photo.jpg"}], "annotations": [
            {"image_id": 1, "category_id": 3, "segmentation": run} for run in runs]},
    }  # fmt: skip
    path.write_text(json.dumps(entries[form]))
    return path, masks


@pytest.mark.parametrize(
    "form", ["sam", "sam rows", "sa1b", "labelme", "labelme masks", "coco", "coco runs", "npz", "npz batch", "npy"]
)
def test_masks_of_other_programs(tmp_path, form):
    path, masks = written_masks(tmp_path, form)
    hard = read_masks(path, (20, 30), "photo")
    assert len(hard.names) == 4
    expected = np.zeros((20, 30), int)
    for k, mask in enumerate(masks, 1):
        expected[mask] = k
    for k in range(4):
        label = hard.labels[expected == k]
        assert (label == label[0]).all()
    if form != "coco":  # which does not tell the size
        with pytest.raises(DatasetError, match="pixels"):
            read_masks(path, (21, 30), "photo")


def test_masks_that_are_none(tmp_path):
    path = tmp_path / "photo.json"
    no_png = {"label": "x", "shape_type": "mask", "points": [[0, 0]], "mask": "bm8="}
    for content in ([], [{"area": 3}], [3], {"shapes": [{"label": "x"}]}, {"shapes": []}, {"shapes": 3},
                    {"shapes": [no_png]},
                    [{"segmentation": {"size": [20], "counts": "x"}}],
                    [{"segmentation": {"size": [], "counts": []}}]):  # fmt: skip
        path.write_text(json.dumps(content))
        with pytest.raises(DatasetError):
            read_masks(path, (20, 30), "photo")


def test_a_label_map_with_alpha(tmp_path):
    labels = np.dstack([np.array([[1, 1, 2]], np.uint8), np.full((1, 3), 255, np.uint8)])
    Image.fromarray(labels).save(tmp_path / "la.png")
    assert read_masks(tmp_path / "la.png", (1, 3), "la").names == ("class-1", "class-2")
