"""DeepLab initialisation: torchvision's own class, random weights, and the same stages afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.segmentation import deeplabv3_resnet101

from sss_model.errors import CheckpointError
from sss_model.network.build import build_network
from sss_model.network.supplement import SupplementNet
from sss_model.params import NetworkParams
from sss_model.weights.initialise import init_weights
from sss_model.weights.published import SEGMENTATION_WEIGHTS


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    torch.manual_seed(4)
    model = deeplabv3_resnet101(weights=None, weights_backbone=None, aux_loss=True).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return model


@pytest.fixture(scope="module")
def saved(theirs: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deeplab") / "deeplabv3_resnet101_coco-586e9e4e.pth"
    torch.save(theirs.state_dict(), path)
    return path


@pytest.fixture
def network() -> SupplementNet:
    net = build_network(NetworkParams())
    assert isinstance(net, SupplementNet)
    return net


def test_the_backbone_is_theirs_and_the_report_says_so(theirs, saved: Path, network: SupplementNet) -> None:
    head = network.hidden.weight.clone()
    report = init_weights(network, f"deeplab-coco:{saved}")
    images = torch.rand(1, 3, 40, 48)
    with torch.no_grad():
        stages = network.backbone(images)
        expected = theirs.backbone((images - network.backbone.mean) / network.backbone.std)["out"]
    torch.testing.assert_close(stages[-1], expected)
    assert torch.equal(network.hidden.weight, head)
    own = [name for name in network.state_dict() if name.startswith("backbone.")]
    assert len(report.taken) == len(own)
    assert {name.split(".")[0] for name in report.new} == {"branch", "hidden", "project"}
    assert {name.split(".")[0] for name in report.skipped} == {"classifier", "aux_classifier"}
    assert str(report).startswith(f"{len(own)} weights taken from {saved.name}; ")
    assert "new (branch, hidden, project)" in str(report)
    assert "skipped (classifier, aux_classifier)" in str(report)


def test_torchs_cache_is_used(saved: Path, network: SupplementNet, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "checkpoints").symlink_to(saved.parent, target_is_directory=True)
    assert init_weights(network, "deeplab-coco").source == saved.name


def test_no_download_without_consent(network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*arguments: object, **options: object) -> None:
        raise AssertionError("downloaded")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("sss_model.weights.published.download_file", download)
    with pytest.raises(CheckpointError, match="nothing is downloaded unasked") as caught:
        init_weights(network, "deeplab-coco")
    assert "deeplab-coco:FILE" in caught.value.hint


def test_a_failed_download_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def broken(url: str, file: Path, title: str, progress: object) -> None:
        asked.append((url, file))
        raise OSError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("sss_model.weights.published.download_file", broken)
    with pytest.raises(CheckpointError, match="could not be downloaded: OSError"):
        SEGMENTATION_WEIGHTS["deeplab"].fetch(consent=True)
    assert "deeplabv3_resnet101_coco" in asked[0][0]
    assert asked[0][1].parent == tmp_path / "hub" / "checkpoints"


def test_missing_and_foreign_weights_are_listed(saved: Path, network: SupplementNet, tmp_path: Path) -> None:
    state = torch.load(saved, weights_only=True)
    state["backbone.layer9.weight"] = state.pop("backbone.layer3.22.conv2.weight")
    torch.save(state, tmp_path / "odd.pth")
    before = network.backbone.layer1[0].conv1.weight.clone()
    with pytest.raises(CheckpointError, match=r"missing layer3.22.conv2.weight .*left over layer9.weight"):
        init_weights(network, f"deeplab-coco:{tmp_path / 'odd.pth'}")
    assert torch.equal(network.backbone.layer1[0].conv1.weight, before)


def test_plain_classification_weights_fit_too(network: SupplementNet, tmp_path: Path) -> None:
    from torchvision.models import resnet101

    model = resnet101(weights=None)
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "r.pth")
    report = init_weights(network, str(tmp_path / "r.pth"))
    assert report.skipped == ("fc.weight", "fc.bias")
    assert torch.equal(network.backbone.stem[0].weight, model.conv1.weight)
    assert torch.equal(network.backbone.layer4[2].bn3.weight, model.layer4[2].bn3.weight)


def test_other_backbones_have_no_use_for_it(saved: Path) -> None:
    other = build_network(NetworkParams(backbone="test_efficientnet", output_stride=32))
    with pytest.raises(CheckpointError, match="do not fit the network"):
        init_weights(other, f"deeplab-coco:{saved}")
