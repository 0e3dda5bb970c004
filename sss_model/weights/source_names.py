"""What a user may call the weights that a network starts from, beside the path of a file."""

DEEPLAB, LITE2, TIMM = "deeplab-coco", "lite2", "timm"
SOURCES = f"a model file, a backbone's weights (.pth, .safetensors), {DEEPLAB}[:FILE], {LITE2} or {TIMM}"
LITE2_BACKBONE = "tf_efficientnet_lite2"
"""The backbone that the weights `LITE2` are of."""
