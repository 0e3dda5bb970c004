"""Labelled pictures on disk: layouts, label maps, COCO; and the sampling of pixel pairs from them."""
