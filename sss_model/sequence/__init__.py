"""Frames as one sequence: a matte carried through them, layers that stay the same, and the motion that joins them.

frames = open_frames(sorted(Path("shot").glob("*.png")))                       a folder's pictures, or one video
held = begin(frames.read(0), cut_parts(frames.read(0), features), editor)      the matte of one frame, of an editor
held = carry(held, frames.read(1), cut_parts(frames.read(1), features_1))      that of the next; held.alpha (H, W)
"""

from __future__ import annotations

from sss_model.sequence.carry import Carried, begin, carry
from sss_model.sequence.chain import Chain
from sss_model.sequence.frames import Frames, SequenceError, open_frames
from sss_model.sequence.plan import SequenceRecipe, sequence_recipe
from sss_model.sequence.state_file import load_state, save_state
from sss_model.sequence.tracks import LayerTracks, begin_tracks, follow

__all__ = [
    "Carried",
    "Chain",
    "Frames",
    "LayerTracks",
    "SequenceError",
    "SequenceRecipe",
    "begin",
    "begin_tracks",
    "carry",
    "follow",
    "load_state",
    "open_frames",
    "save_state",
    "sequence_recipe",
]
