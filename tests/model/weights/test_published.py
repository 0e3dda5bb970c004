"""What is said of published weights, without torch, is what torchvision and torch's cache say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights
from torchvision.models.segmentation import DeepLabV3_ResNet101_Weights

from sss_model.segmentation.comparisons import network_weights
from sss_model.weights.published import SEGMENTATION_WEIGHTS

TORCHVISIONS = {
    "mask-rcnn": MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1,
    "deeplab": DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1,
}


@pytest.mark.parametrize("method", TORCHVISIONS)
def test_names_and_sizes_are_torchvisions(method):
    published, weights = SEGMENTATION_WEIGHTS[method], TORCHVISIONS[method]
    assert weights.url == f"https://download.pytorch.org/models/{published.name}"
    assert round(weights.meta["_file_size"]) == published.megabytes


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", "HOME"])
def test_they_are_here_where_torch_finds_them(tmp_path, monkeypatch, variable):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    if variable == "HOME":
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for method, published in SEGMENTATION_WEIGHTS.items():
        assert not published.here
        file = Path(torch.hub.get_dir()) / "checkpoints" / published.name
        assert file.is_relative_to(tmp_path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        assert published.here
        assert network_weights(method, None, consent=False) == file
