"""Classes taught by strokes: named on a few pictures, found in all others.

taught = TaughtClasses(FeatureSource.of(found.record, 128), ("sky", "grass"))
taught = taught.with_stroke("sky", [(10, 10), (200, 40)], radius=6, features=found.features, size=(480, 640))
...                                               found as `extract_grid` gives it; undo is to keep the old `taught`
save_classes("classes.json", taught)
probabilities = load_classes("classes.json").probabilities(found.features)         (h, w, K), some hundredths of a s
alphas = class_alphas(probabilities, found.guide, image)                           (H, W, K) along the edges
"""

from __future__ import annotations

from sss_model.classes.class_file import ClassFileError, classes_sha256, load_classes, save_classes
from sss_model.classes.strokes import Stroke
from sss_model.classes.taught import DOUBTFUL, FeatureSource, TaughtClasses, class_alphas, confidence

__all__ = [
    "DOUBTFUL",
    "ClassFileError",
    "FeatureSource",
    "Stroke",
    "TaughtClasses",
    "class_alphas",
    "classes_sha256",
    "confidence",
    "load_classes",
    "save_classes",
]
