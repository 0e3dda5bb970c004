"""What the marks so far make of the superpixels: a step leads from one state to the next, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from sss_model.array_types import Doubles, Floats, Indices
from sss_model.errors import ParameterError
from sss_model.matting.box_cut import cut_by_colour
from sss_model.matting.cues import Marks, Situation
from sss_model.matting.parts import Parts
from sss_model.matting.solve import judged, relaxed
from sss_model.matting.steps import Box, Given, Step, Stroke

_ROUNDS = 2  # in which what a box holds is judged by the answer before
_COLOUR_ODDS = 2.0  # of what colours say of it
_CHANGED = 0.02
_HALF, _TAKEN = 0.5, 0.3  # of the picture, and of a thing: more is no other thing
_LARGER = 1.25  # by how much the next larger part is larger, at least
_WIDENINGS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)  # log-odds
_COVERED = 0.5  # the share of a superpixel that a brush covers to mark it


@dataclass(frozen=True, eq=False)
class State:
    """A matte of superpixels.

    Attributes
    ----------
    alpha : (K,) float64 in [0, 1]
    marks : (K,) int8: 1 where a mark said to keep, -1 to drop, 0 elsewhere
    contested : (K,) bool, where marks said both
    started : whether something was taken, which marks correct; marks that only dropped left all else, and the first
        one that keeps begins anew
    boxed : whether a box said where the rest is
    carried : whether it came from another frame, so that a first mark corrects it as a later one would
    """

    alpha: Doubles
    marks: Marks
    contested: NDArray[np.bool_]
    started: bool = False
    boxed: bool = False
    carried: bool = False


def empty(parts: Parts) -> State:
    """Nothing is taken."""
    none = np.zeros(parts.count, np.bool_)
    return State(np.zeros(parts.count), none.astype(np.int8), none)


def after(parts: Parts, state: State, step: Step) -> State:
    """The state after `step`."""
    if isinstance(step, Box):
        return _boxed(parts, state, step)
    if isinstance(step, Given):
        return State(_alphas(parts, step), state.marks, state.contested, True)
    under = under_brush(parts, step)
    if step.click and _again(parts, state, step):
        found = _enlarged(parts, state, under, step.keep)
    else:
        found = _marked(parts, state, step, under)
    for _ in range(step.size):
        found = _enlarged(parts, found, under, step.keep)
    return found


def _marked(parts: Parts, state: State, step: Stroke, under: Indices) -> State:
    """The state after a mark on the superpixels `under`."""
    if not state.started and (step.keep or not (state.marks < 0).any()):
        state = replace(state, alpha=np.full(parts.count, 0.0 if step.keep else 1.0))
    value = np.int8(1 if step.keep else -1)
    marks, contested = state.marks.copy(), state.contested.copy()
    contested[under] |= marks[under] == -value
    marks[under] = value
    odds = _odds(parts, state, marks, under, step.keep)
    alpha = _taken(parts, state, odds, marks, under, step.keep)
    if step.size < 0:
        alpha = _reduced(parts, state, alpha, odds, marks, under, step)
    elif step.click and step.keep and _apart(parts, state, alpha):
        alpha = np.maximum(alpha, _another(parts, state, marks, under))
    return State(alpha, marks, contested, state.started or step.keep, state.boxed, state.carried)


def _odds(parts: Parts, state: State, marks: Marks, under: Indices, keep: bool) -> Doubles:
    """(K,): how much speaks for each superpixel after a mark on `under`.

    Where no mark took anything, what is under one that drops is taken out as a first click would take it.
    """
    if keep or state.boxed or state.carried or (marks > 0).any():
        return judged(parts, Situation(marks, state.alpha if state.started else None, under, keep, state.boxed))
    return -judged(parts, Situation((-marks).astype(np.int8), None, under, True))


def _taken(parts: Parts, state: State, odds: Doubles, marks: Marks, under: Indices, keep: bool) -> Doubles:
    solved = relaxed(parts, odds, marks)
    return locally(parts, state.alpha, solved, under, keep) if state.started or not keep else solved


def _apart(parts: Parts, state: State, alpha: Doubles) -> bool:
    """Whether what comes to the matte with `alpha` nowhere touches what somebody's marks took before."""
    before = state.alpha > 0.5
    new = (alpha > 0.5) & ~before
    i, j = parts.pairs.T
    touches = ((new[i] & before[j]) | (new[j] & before[i])).any()
    return bool((state.marks > 0).any() and new.any() and not touches)


def _another(parts: Parts, state: State, marks: Marks, under: Indices) -> Doubles:
    """What a first click on `under` takes: somebody who clicks apart from the matte wants another thing as well.

    Nothing, where that is half the picture or what is taken already: then it is no other thing.
    """
    own = np.minimum(marks, 0)
    own[under] = 1
    nothing = np.zeros(parts.count)
    solved = relaxed(parts, judged(parts, Situation(own, None, under, True)), own)
    found = locally(parts, nothing, solved, under, True)
    size, taken = float(parts.shares @ found), float(parts.shares @ np.minimum(found, state.alpha))
    return found if size < _HALF and taken < _TAKEN * size else nothing


def _reduced(
    parts: Parts, state: State, alpha: Doubles, odds: Doubles, marks: Marks, under: Indices, step: Stroke
) -> Doubles:
    """The part that a click changes from `state` to `alpha`, smaller and smaller, as often as its size says."""
    left, change = -step.size, _change(parts, state, alpha)
    for less in _WIDENINGS:
        found = _taken(parts, state, odds + (-less if step.keep else less), marks, under, step.keep)
        if left and _change(parts, state, found) <= change / _LARGER:
            alpha, change, left = found, _change(parts, state, found), left - 1
    return alpha


def _change(parts: Parts, state: State, alpha: Doubles) -> float:
    return float(parts.shares @ ((alpha > 0.5) != (state.alpha > 0.5)))


def given(parts: Parts, matte: Floats) -> Given:
    """The step that begins with `matte`, (h, w) in [0, 1] on the grid."""
    alphas = np.bincount(parts.labels.ravel(), matte.ravel()) / np.bincount(parts.labels.ravel())
    return Given(np.rint(255 * np.clip(alphas, 0, 1)).astype(np.uint8).tobytes())


def _alphas(parts: Parts, step: Given) -> Doubles:
    if len(step.alphas) != parts.count:
        raise ParameterError(
            f"A given matte must be of the picture's {parts.count} superpixels, got {len(step.alphas)}."
        )
    alphas: Doubles = np.frombuffer(step.alphas, np.uint8) / 255
    return alphas


def under_brush(parts: Parts, step: Stroke) -> Indices:
    """The superpixels under the brush: those that it covers to a half, and those under its points."""
    mask = step.mask(parts.size)
    covered = np.bincount(parts.labels[mask], minlength=parts.count)
    chosen = covered >= _COVERED * parts.shares * parts.labels.size
    centre = Stroke(step.points, step.keep, 0.0).mask(parts.size)
    chosen[parts.labels[centre]] = True
    return np.flatnonzero(chosen)


def under_point(parts: Parts, step: Stroke) -> int:
    """The superpixel under the first point."""
    (height, width), (x, y) = parts.size, step.points[0]
    return int(parts.labels[min(int(y * height), height - 1), min(int(x * width), width - 1)])


def _again(parts: Parts, state: State, step: Stroke) -> bool:
    """Whether a click says what a mark has said already, so that it can only mean more."""
    at = under_point(parts, step)
    return bool(state.marks[at] == (1 if step.keep else -1)) and not state.contested[at]


def _enlarged(parts: Parts, state: State, under: Indices, keep: bool) -> State:
    """The next larger part about a click."""
    size = parts.shares @ (state.alpha > 0.5)
    odds = _odds(parts, state, state.marks, under, keep)
    for more in _WIDENINGS:
        solved = relaxed(parts, odds + (more if keep else -more), state.marks)
        alpha = locally(parts, state.alpha, solved, under, keep, across=True)
        found = parts.shares @ (alpha > 0.5)
        if (found >= _LARGER * size) if keep else (found <= size / _LARGER):
            break
    return replace(state, alpha=alpha, started=state.started or keep)


def locally(
    parts: Parts, before: Doubles, solved: Doubles, under: Indices, keep: bool, *, across: bool = False
) -> Doubles:
    """`before` with the change to `solved` that the mark asks for, in the connected part about it.

    `across` what is taken (or left out) already, too.
    """
    changed = (solved - before if keep else before - solved) > _CHANGED
    way = changed | ((before > 0.5) == keep) if across else changed.copy()
    way[under] = True
    i, j = parts.pairs.T
    joined = way[i] & way[j]
    graph = sp.csr_matrix((np.ones(joined.sum()), (i[joined], j[joined])), shape=(parts.count, parts.count))
    groups = connected_components(graph, directed=False)[1]
    changed[under] = True
    here = changed & np.isin(groups, groups[under])
    alpha = before.copy()
    alpha[here] = solved[here]
    return alpha


def _boxed(parts: Parts, state: State, box: Box) -> State:
    within = np.bincount(parts.labels[box.mask(parts.size)], minlength=parts.count)
    outside = within < _COVERED * parts.shares * parts.labels.size
    if outside.all():  # a box smaller than a superpixel
        outside = within == 0
    marks = state.marks.copy()
    marks[outside & (marks == 0)] = -1
    before = np.where(outside, 0.0, state.alpha)
    if not (before > 0.5).any():
        before = (~outside).astype(np.float64)
    colour = _COLOUR_ODDS * cut_by_colour(parts, box)
    for _ in range(_ROUNDS):
        now = Situation(marks, before, np.flatnonzero(~outside), True, boxed=True)
        before = relaxed(parts, judged(parts, now) + colour, marks)
    return State(before, marks, state.contested, True, boxed=True)
