"""Soft segments of a picture from its features, after "Semantic Soft Segmentation" (Aksoy et al. 2018)."""

from sss_model.segmentation.segments import SoftSegments, soft_segments
from sss_model.segmentation.spectral_matting import spectral_matting

__all__ = ["SoftSegments", "soft_segments", "spectral_matting"]
