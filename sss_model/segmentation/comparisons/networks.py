"""The paper's neighbours: what networks trained on labelled objects make of a picture.

Mask R-CNN and DeepLab come from torchvision, PSPNet from a published checkpoint; what any other program made is read by
`mask_files`. Each gives a pixel to one layer, and `HardSegmentation.lifted` lets the borders follow the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sss_model.array_types import Floats
from sss_model.errors import CheckpointError
from sss_model.progress import Progress, silent
from sss_model.segmentation.comparisons.hard_segmentation import (
    BACKGROUND,
    HardSegmentation,
    hard_segmentation,
    numbered,
)
from sss_model.segmentation.comparisons.pspnet import class_names, load_pspnet
from sss_model.weights.backbone_weights import norm_counters, read_weights
from sss_model.weights.checkpoint import load_state
from sss_model.weights.published import SEGMENTATION_WEIGHTS

NETWORK_SIDE = 1333  # pixels of the long side that a network sees, as torchvision's Mask R-CNN has it
SCORE = 0.5  # of an instance, and of a pixel in its mask


def mask_rcnn(
    image: Floats, weights: Path, *, device: str | torch.device = "cpu", progress: Progress | None = None
) -> HardSegmentation:
    """Instances that torchvision's Mask R-CNN v2 (He et al. 2017; Li et al. 2021) finds in `image` (H, W, 3).

    A pixel of several belongs to the surest, one of none to the background.

    Raises
    ------
    CheckpointError : `weights` is no file of this network; it lists every name that does not fit
    """
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights, maskrcnn_resnet50_fpn_v2

    silent(progress).report(0.0, "Mask R-CNN")
    state = read_weights(weights)
    box = state.get("roi_heads.box_predictor.cls_score.weight")
    network = maskrcnn_resnet50_fpn_v2(
        weights=None, weights_backbone=None, num_classes=91 if box is None else box.shape[0], box_score_thresh=SCORE
    )
    load_state(network, {**norm_counters(network.state_dict()), **state}, weights.name)
    silent(progress).report(0.3, "Mask R-CNN")
    with torch.inference_mode():
        found = network.eval().to(device)(list(_network_input(image).to(device)))[0]
    silent(progress).report(0.9, "Mask R-CNN")
    categories = MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"]
    labels = np.zeros(image.shape[:2], np.int32)
    names = {0: BACKGROUND}
    for k in reversed(range(len(found["scores"]))):  # by falling score: the surest is painted last
        labels[_enlarged(found["masks"][k], image) > SCORE] = k + 1
        names[k + 1] = _name_of(categories, int(found["labels"][k]))
    return hard_segmentation(labels, numbered(names))


def deeplab(
    image: Floats, weights: Path, *, device: str | torch.device = "cpu", progress: Progress | None = None
) -> HardSegmentation:
    """Classes that torchvision's DeepLabV3 (Chen et al. 2017) sees in `image` (H, W, 3).

    `weights` tells which of its backbones: ResNet-50, ResNet-101 or MobileNetV3.

    Raises
    ------
    CheckpointError : `weights` is no file of this network; it lists every name that does not fit
    """
    from torchvision.models import segmentation

    silent(progress).report(0.0, "DeepLab")
    state = {name: t for name, t in read_weights(weights).items() if not name.startswith("aux_classifier.")}
    build = segmentation.deeplabv3_mobilenet_v3_large
    if "backbone.layer1.0.conv1.weight" in state:
        deep = "backbone.layer3.22.conv1.weight" in state
        build = segmentation.deeplabv3_resnet101 if deep else segmentation.deeplabv3_resnet50
    last = state.get("classifier.4.weight")
    network = build(weights=None, weights_backbone=None, num_classes=21 if last is None else last.shape[0])
    load_state(network, {**norm_counters(network.state_dict()), **state}, weights.name)
    categories = segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"]
    names = {k: BACKGROUND if name == "__background__" else name for k, name in enumerate(categories)}
    return _semantic(_Output(network, "out"), image, names, device, silent(progress).part(0.3, 1.0, "DeepLab"))


def pspnet(
    image: Floats, weights: Path, *, device: str | torch.device = "cpu", progress: Progress | None = None
) -> HardSegmentation:
    """Classes that the PSPNet in `weights` sees in `image` (H, W, 3); see `load_pspnet` for the files it takes."""
    silent(progress).report(0.0, "PSPNet")
    network = load_pspnet(weights)
    names = dict(enumerate(class_names(weights)))
    return _semantic(network, image, names, device, silent(progress).part(0.3, 1.0, "PSPNet"))


def network_weights(method: str, file: Path | None, *, consent: bool) -> Path:
    """The weights for mask-rcnn, deeplab or pspnet: `file`, or torchvision's.

    Raises
    ------
    CheckpointError : no file, and none on this machine that may be taken
    """
    if file is not None:
        if not file.is_file():
            raise CheckpointError(f"There is no weights file at {file}.")
        return file
    if method in SEGMENTATION_WEIGHTS:
        return SEGMENTATION_WEIGHTS[method].fetch(consent=consent)
    raise CheckpointError(
        "PSPNet needs a file of weights; no package carries any.",
        hint="Name a pspnet_r50-d8 of OpenMMLab, or the encoder of CSAIL's ResNet50dilated + PPM.",
    )


class _Output(nn.Module):
    """Takes one entry of what a torchvision network returns, of images that it wants normalised."""

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network, self.name = network.eval(), name

    def forward(self, images: Tensor) -> Tensor:
        from torchvision.transforms.functional import normalize

        scores: Tensor = self.network(normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))[self.name]
        return scores


def _semantic(
    network: nn.Module, image: Floats, names: dict[int, str], device: str | torch.device, progress: Progress
) -> HardSegmentation:
    """The class of the highest score at each pixel.

    Scores are enlarged class by class, of those only that win somewhere on the network's own grid: a hundred and fifty
    at once would take 7 GB at 12 Mpx.
    """
    progress.report(0.0)
    with torch.inference_mode():
        scores = network.to(device)(_network_input(image).to(device))[0]
    winners = torch.unique(scores.argmax(0)).tolist()
    best = _enlarged(scores[winners[0]], image)
    labels = np.full(image.shape[:2], winners[0], np.int32)
    for k, winner in enumerate(winners[1:], 1):
        progress.report(0.7 + 0.3 * k / len(winners))
        score = _enlarged(scores[winner], image)
        higher = score > best
        labels[higher], best[higher] = winner, score[higher]
    return hard_segmentation(labels, names)


def _network_input(image: Floats) -> Tensor:
    """(1, 3, h, w) of `image`, reduced to `NETWORK_SIDE` where it is longer."""
    batch = torch.from_numpy(np.array(np.moveaxis(image, 2, 0), np.float32, order="C"))[None]
    share = NETWORK_SIDE / max(image.shape[:2])
    if share >= 1:
        return batch
    size = [max(1, round(side * share)) for side in image.shape[:2]]
    return interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False).clamp_(0, 1)


def _enlarged(plane: Tensor, image: Floats) -> Floats:
    """`plane` (h, w) or (1, h, w) at the size of `image`."""
    batch = plane.reshape(1, 1, *plane.shape[-2:]).float()
    enlarged: Floats = (
        interpolate(batch, list(image.shape[:2]), mode="bilinear", align_corners=False)[0, 0].cpu().numpy()
    )
    return enlarged


def _name_of(categories: Sequence[str], label: int) -> str:
    return str(categories[label]) if label < len(categories) else f"class-{label}"
