"""The paper's neighbours: other programs' segmentations of a picture, as they are and lifted to soft borders.

Mask R-CNN and DeepLab are torchvision's, with weights by consent or from a file; PSPNet takes published checkpoints;
label maps, COCO's outlines and masks of any other program are read from files.
"""

from sss_model.segmentation.comparisons.hard_segmentation import HardSegmentation, hard_segmentation
from sss_model.segmentation.comparisons.mask_files import read_masks
from sss_model.segmentation.comparisons.networks import deeplab, mask_rcnn, network_weights, pspnet

__all__ = [
    "HardSegmentation",
    "deeplab",
    "hard_segmentation",
    "mask_rcnn",
    "network_weights",
    "pspnet",
    "read_masks",
]
