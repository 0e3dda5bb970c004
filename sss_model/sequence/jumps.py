"""Where a matte jumps from one frame to the next."""

from __future__ import annotations

import numpy as np

from sss_model.array_types import AnyFloats, Mask

_SPREADS = 6.0  # of the usual change, beyond which a frame jumps
_LEAST = 0.1  # of the matte's area that must change
_SIGMA = 1.4826  # of a median distance, to that of a normal distribution


def jumps(areas: AnyFloats, changes: AnyFloats) -> Mask:
    """Which frames differ much more from the one before than others do.

    With c the changes, m their median and s = 1.4826 median |c - m|, a frame jumps where c > m + 6 s and more than a
    tenth of the larger of both frames' mattes changed.

    Parameters
    ----------
    areas : (N,) the mattes' shares of their frames, in [0, 1]; nan where not known
    changes : (N,) mean |alpha - that of the frame before|; nan where not known, as in the first

    Returns
    -------
    (N,) bool

    Examples
    --------
    >>> areas = np.array([0.2, 0.21, 0.2, 0.1, 0.1])
    >>> jumps(areas, np.array([np.nan, 0.01, 0.012, 0.11, 0.01])).tolist()
    [False, False, False, True, False]
    """
    known = np.isfinite(changes)
    if not known.any():
        return np.zeros(len(changes), np.bool_)
    middle = np.median(changes[known])
    spread = _SIGMA * np.median(np.abs(changes[known] - middle))
    larger = np.fmax(areas, np.concatenate([areas[:1], areas[:-1]]))
    found: Mask = known & (changes > middle + _SPREADS * spread) & (changes > _LEAST * larger)
    return found
