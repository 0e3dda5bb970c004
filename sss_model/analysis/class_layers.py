"""A picture cut into classes that were taught by strokes, as layers: for the window and the commands alike."""

from __future__ import annotations

from sss_model.array_types import AnyFloats, Floats
from sss_model.classes import TaughtClasses, class_alphas, confidence
from sss_model.layer_io import Layers
from sss_model.progress import Progress


def class_lead(stem: str) -> str:
    """What the files of the classes of the picture `stem` begin with, so that they replace nothing else of it."""
    return f"{stem}-classes"


def class_layers(
    classes: TaughtClasses, features: AnyFloats, guide: Floats, image: Floats, progress: Progress
) -> tuple[Layers, float]:
    """The classes of a picture as layers in their order, and how sure they are of it, 0 to 1 with four digits.

    Parameters
    ----------
    features : (h, w, D), of the model that taught the classes
    guide : (h, w, 3) float RGB in [0, 1], the picture on the grid of the features
    image : (H, W, 3) float32 RGB in [0, 1], the picture
    """
    probabilities = classes.probabilities(features)
    alphas = class_alphas(probabilities, guide, image, progress)
    return Layers(image, alphas, classes.names), round(confidence(probabilities), 4)
