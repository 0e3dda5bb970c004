"""Classes that a user teaches by strokes on pictures, and finds again in others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import AnyFloats, Floats
from sss_model.classes.classifier import Classifier, fit
from sss_model.classes.strokes import Stroke, make_stroke
from sss_model.errors import ParameterError
from sss_model.params import FilterParams
from sss_model.progress import Progress

MOST_CLASSES = 255
DOUBTFUL = 0.75  # a picture whose confidence is below is named: about a third of its pixels is wrong


@dataclass(frozen=True)
class FeatureSource:
    """Where taught features came from; those of another source cannot be told apart by them.

    Attributes
    ----------
    channels : D
    model, sha256 : name and digest of the model file; "" where features came from a file that does not name it
    backbone : of the model
    size, scales : the working grid's, as `ExtractParams` has them
    """

    channels: int
    model: str = ""
    sha256: str = ""
    backbone: str = ""
    size: str = "auto"
    scales: tuple[float, ...] = ()

    @staticmethod
    def of(record: Mapping[str, Any], channels: int) -> FeatureSource:
        """That of features (h, w, `channels`) with a `record` as `extract_grid` and `analyse` give it."""
        metadata = record.get("metadata", {})
        known = record if "checkpoint" in record else metadata if isinstance(metadata, dict) else {}
        model, how = known.get("checkpoint"), known.get("extract")
        if not isinstance(model, dict) or not isinstance(how, dict):
            return FeatureSource(channels)
        backbone = model.get("network", {}).get("backbone", "")
        scales = tuple(float(scale) for scale in how.get("scales", ()))
        return FeatureSource(channels, model["name"], model["sha256"], backbone, str(how.get("size", "auto")), scales)


@dataclass(frozen=True, eq=False)
class TaughtClasses:
    """Classes by name, and the strokes that taught them. A change gives a new one, so undo is to keep the old.

    Attributes
    ----------
    source : of the features
    names : of the classes, no two alike even where capitals do not count
    strokes : of these classes, in the order they were made
    colours : RGB 0 to 255 of each class, where a window has given them; else none

    Raises
    ------
    ParameterError : names that are empty or alike, more than 255, a stroke of no class or of another length, colours
        that are not one a class

    Examples
    --------
    >>> features = np.zeros((40, 60, 3), np.float32)
    >>> features[:20], features[20:] = (0, 0, 1), (0, 1, 0)  # or those of `extract_grid`
    >>> taught = TaughtClasses(FeatureSource(3), ("sky", "grass"))
    >>> taught = taught.with_stroke("sky", [(5, 5), (90, 9)], radius=2, features=features, size=(80, 120))
    >>> taught = taught.with_stroke("grass", [(50, 70)], radius=2, features=features, size=(80, 120))
    >>> taught.probabilities(features)[[2, 30], 30].round().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    source: FeatureSource
    names: tuple[str, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    _fitted: Classifier | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not all(name.strip() for name in self.names):
            raise ParameterError("A class must have a name.")
        if len({name.casefold() for name in self.names}) < len(self.names):
            raise ParameterError(f"The names of classes must differ, got {', '.join(self.names)}.")
        if len(self.names) > MOST_CLASSES:
            raise ParameterError(f"There is room for {MOST_CLASSES} classes, got {len(self.names)}.")
        whole = all(len(c) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in c) for c in self.colours)
        if not whole or len(self.colours) not in (0, len(self.names)):
            raise ParameterError("Each class, or none, must have a colour of three whole numbers from 0 to 255.")
        for stroke in self.strokes:
            self._check_name(stroke.name)
            if stroke.vectors.shape[1] != self.source.channels:
                raise ParameterError(
                    f"A stroke of {stroke.name} has {stroke.vectors.shape[1]} features, "
                    f"the classes {self.source.channels}."
                )

    def with_class(self, name: str) -> TaughtClasses:
        """With one class more."""
        return replace(self, names=(*self.names, name), colours=(), _fitted=None)

    def without_class(self, name: str) -> TaughtClasses:
        """Without the class `name` and its strokes."""
        self._check_name(name)
        kept = tuple(stroke for stroke in self.strokes if stroke.name != name)
        names, place = tuple(n for n in self.names if n != name), self.names.index(name)
        colours = self.colours[:place] + self.colours[place + 1 :]
        return replace(self, names=names, strokes=kept, colours=colours, _fitted=None)

    def renamed(self, old: str, new: str) -> TaughtClasses:
        """With the class `old` called `new`."""
        self._check_name(old)
        names = tuple(new if name == old else name for name in self.names)
        strokes = tuple(replace(stroke, name=new) if stroke.name == old else stroke for stroke in self.strokes)
        return replace(self, names=names, strokes=strokes)

    def with_stroke(
        self,
        name: str,
        points: Sequence[tuple[float, float]],
        *,
        radius: float,
        features: AnyFloats,
        size: tuple[int, int],
        picture: str = "",
    ) -> TaughtClasses:
        """Taught by one stroke more.

        Parameters
        ----------
        name : of the class
        points : x and y in pixels of the picture
        radius : half the brush's width in pixels of the picture
        features : (h, w, D) of the picture, as the model gives them
        size : (H, W) of the picture
        picture : the name of its file

        Raises
        ------
        ParameterError : no such class, a stroke outside the picture, or features of another kind
        """
        self._check_name(name)
        self._check_channels(features)
        stroke = make_stroke(name, picture, points, radius, features, size)
        return replace(self, strokes=(*self.strokes, stroke), _fitted=None)

    def without_stroke(self, index: int) -> TaughtClasses:
        """Without the stroke `index` of `strokes`."""
        kept = self.strokes[:index] + self.strokes[index + 1 :] if index != -1 else self.strokes[:-1]
        return replace(self, strokes=kept, _fitted=None)

    @property
    def pixels(self) -> dict[str, int]:
        """How many pixels of working grids taught each class."""
        return {name: sum(s.pixels for s in self.strokes if s.name == name) for name in self.names}

    @cached_property
    def classifier(self) -> Classifier:
        """What the strokes taught.

        Raises
        ------
        ParameterError : fewer than two classes, or one without a stroke
        """
        if self._fitted is not None:
            return self._fitted
        bare = [name for name, pixels in self.pixels.items() if not pixels]
        if len(self.names) < 2:
            hint = "Teach what is none of it as a class of its own."
            raise ParameterError(f"Two classes or more must be taught, got {len(self.names)}.", hint=hint)
        if bare:
            raise ParameterError(f"Every class must have a stroke; there is none of {', '.join(bare)}.")
        vectors = np.concatenate([stroke.vectors for stroke in self.strokes]).astype(np.float32)
        numbers = [np.full(len(stroke.vectors), self.names.index(stroke.name)) for stroke in self.strokes]
        return fit(vectors, np.concatenate(numbers), len(self.names))

    def probabilities(self, features: AnyFloats) -> Floats:
        """(h, w, K) float32 of sum 1: how probable each class is at each pixel of `features` (h, w, D)."""
        self._check_channels(features)
        return self.classifier.probabilities(features)

    def check_source(self, record: Mapping[str, Any], features: AnyFloats) -> None:
        """Raise `ParameterError` where `features` with their `record` are another model's than those that taught."""
        self._check_channels(features)
        source = FeatureSource.of(record, features.shape[2])
        self.check_model(source.model, source.sha256)

    def check_model(self, name: str, sha256: str) -> None:
        """Raise `ParameterError` where the model file of this name and digest is another than that which taught."""
        if sha256 and self.source.sha256 and sha256 != self.source.sha256:
            raise ParameterError(
                f"The classes were taught with features of {self.source.model} ({self.source.sha256[:8]}), "
                f"these are of {name} ({sha256[:8]}).",
                hint="Name that model, or teach the classes again.",
            )

    def _check_channels(self, features: AnyFloats) -> None:
        if features.ndim != 3 or features.shape[2] != self.source.channels:
            raise ParameterError(
                f"The classes were taught with {self.source.channels} features a pixel; got {features.shape}."
            )

    def _check_name(self, name: str) -> None:
        if name not in self.names:
            raise ParameterError(f"There is no class {name!r}; there are {', '.join(self.names) or 'none'}.")


def class_alphas(
    probabilities: Floats,
    guide: Floats,
    image: NDArray[Any],
    progress: Progress | None = None,
    *,
    smoothing: FilterParams | None = None,
) -> Floats:
    """Probabilities on the working grid as alphas at the picture's size, along its edges.

    Parameters
    ----------
    probabilities : (h, w, K)
    guide : (h, w, 3) float RGB in [0, 1], the picture on that grid
    image : (H, W, 3) RGB, float in [0, 1] or uint8
    smoothing : of the guided filter; its defaults

    Returns
    -------
    (H, W, K) float32 in [0, 1] of sum 1
    """
    from sss_model.filtering.lift import GuidedLift  # here: it loads torch

    smoothing = smoothing or FilterParams()
    out = np.empty((*image.shape[:2], probabilities.shape[2]), np.float32)
    lift = GuidedLift(guide, radius=smoothing.radius, eps=smoothing.eps)
    lift.lift(probabilities, image, out=out, progress=progress)
    np.clip(out, 0, 1, out=out)
    out /= out.sum(axis=2, keepdims=True)  # above 0: before clipping they sum to 1
    return out


def confidence(probabilities: Floats) -> float:
    """How sure the classes are of a picture, from its `probabilities` (h, w, K): the mean of the largest, 0 to 1.

    It is the share of pixels that would be right were the probabilities true.
    """
    return float(probabilities.max(axis=2).mean(dtype=np.float64))
