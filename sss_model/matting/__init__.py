"""A matte in a few clicks: `MatteEditor`, and what it is made of.

superpixels with mean features -> marks -> a classifier and geodesic reach -> alphas of superpixels -> solved edges
"""

from sss_model.matting.editor import MatteEditor, forecast
from sss_model.matting.parts import Parts, cut_parts
from sss_model.matting.steps import Box, Given, Step, Stroke, box_at, stroke_at

__all__ = ["Box", "Given", "MatteEditor", "Parts", "Step", "Stroke", "box_at", "cut_parts", "forecast", "stroke_at"]
