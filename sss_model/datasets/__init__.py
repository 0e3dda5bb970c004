"""Labelled pictures on disk: formats, label maps, COCO; and the sampling of pixel pairs from them."""
