"""What a matte teaches about its thing, and the thing found by that in another picture."""

from __future__ import annotations

import numpy as np

from sss_model.array_types import Doubles
from sss_model.matting.classifier import taught
from sss_model.matting.parts import Parts
from sss_model.matting.recipe import Thing
from sss_model.matting.solve import spread

_INSIDE = 0.5


def thing_of(parts: Parts, alpha: Doubles) -> Thing | None:
    """What the superpixels' `alpha` (K,) teaches; None where it takes nothing or everything."""
    taken = alpha > _INSIDE
    if taken.all() or not taken.any():
        return None
    certainty = np.abs(2 * alpha - 1)
    classifier = taught(parts.scaled, taken.astype(np.float64), parts.shares * certainty)
    inside, outside = (_mean(parts, parts.shares * side) for side in (alpha, 1 - alpha))
    return Thing(classifier.unscaled(parts.shares @ parts.features, parts.scale), inside, outside)


def find_thing(parts: Parts, thing: Thing) -> Doubles:
    """(K,) in [0, 1]: the superpixels of another picture that are `thing`; all 0 where none is like it."""
    likely: Doubles = 1 / (1 + np.exp(-np.clip(thing.classifier.odds(parts.features), -30, 30)))
    return spread(parts, likely)


def match_score(parts: Parts, alpha: Doubles, thing: Thing) -> float:
    """From 0 to 1: how much nearer what `alpha` takes is to the thing than to what lay around that."""
    weight = parts.shares * alpha
    if weight.sum() == 0:
        return 0.0
    found = _mean(parts, weight)
    near, far = (float(np.linalg.norm(found - other)) for other in (thing.inside, thing.outside))
    return far / (near + far) if near + far > 0 else 0.0


def _mean(parts: Parts, weight: Doubles) -> Doubles:
    mean: Doubles = weight @ parts.features / weight.sum()
    return mean
