"""What marks teach: logistic regression of features, each side of equal weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Doubles

RIDGE = 1.0
_STEPS = 30
_CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class Classifier:
    """log p / (1 - p) = weights . f + bias of a feature f as it came from the model.

    Attributes
    ----------
    weights : (D,) float64
    bias : the constant
    """

    weights: Doubles
    bias: float

    def odds(self, features: NDArray[Any]) -> Doubles:
        """(K,): the log-odds of `features` (K, D)."""
        values: Doubles = features @ self.weights + self.bias
        return values

    def unscaled(self, mean: Doubles, scale: float) -> Classifier:
        """The same of features before `mean` (D,) was subtracted and they were divided by `scale`."""
        weights = self.weights / scale
        return Classifier(weights, self.bias - float(weights @ mean))


def taught(features: Doubles, targets: Doubles, weights: Doubles, *, ridge: float = RIDGE) -> Classifier:
    """The regression of `targets` (N,), 0 or 1, from `features` (N, D), by Newton's method.

    Each side counts as much as the other. With fewer rows than dimensions it is solved in the rows' span, where the
    minimum lies.

    Parameters
    ----------
    weights : (N,) of each row within its side, 0 or more
    ridge : of the squared length of the weights, half of which is added to the sum of the losses
    """
    wide = features.shape[1] > len(features)
    span = np.linalg.qr(features.T)[0] if wide else None
    values = features if span is None else features @ span
    X = np.column_stack([values, np.ones(len(values))])
    balance = np.zeros(len(targets))
    for side in (targets > 0.5, targets <= 0.5):
        balance[side] = weights[side] / max(float(weights[side].sum()), 1e-12)
    balance *= len(targets) / 2
    penalty = np.full(X.shape[1], ridge)
    penalty[-1] = 1e-6
    w = np.zeros(X.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(X @ w, -30, 30)))
        gradient = X.T @ (balance * (p - targets)) + penalty * w
        curvature = (X * (balance * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ X + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        w -= step / max(1.0, float(np.linalg.norm(step)) / 5)
        if np.linalg.norm(step) < _CLOSE:
            break
    return Classifier(w[:-1] if span is None else span @ w[:-1], float(w[-1]))
