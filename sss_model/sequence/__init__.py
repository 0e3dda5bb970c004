"""Frames as one sequence: a matte carried through them, layers that stay the same, and the motion that joins them.

frames = open_frames(sorted(Path("shot").glob("*.png")))                       a folder's pictures, or one video
held = begin(frames.read(0), cut_parts(frames.read(0), features), editor)      the matte of one frame, of an editor
held = carry(held, frames.read(1), cut_parts(frames.read(1), features_1))      that of the next; held.alpha (H, W)

What computes is loaded when it is first asked for, and torch with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sss_model.files.frames import Frames, SequenceError, open_frames

if TYPE_CHECKING:
    from sss_model.sequence.carrying import Carried, begin, carry
    from sss_model.sequence.chain import Chain
    from sss_model.sequence.correct import FrameEditor
    from sss_model.sequence.plan import SequenceRecipe, sequence_recipe
    from sss_model.sequence.run import SequenceMatte
    from sss_model.sequence.state_file import load_state, save_state
    from sss_model.sequence.tracks import LayerTracks, begin_tracks, follow

__all__ = [
    "Carried",
    "Chain",
    "FrameEditor",
    "Frames",
    "LayerTracks",
    "SequenceError",
    "SequenceMatte",
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

_HOME = {
    "Carried": "carrying", "begin": "carrying", "carry": "carrying", "Chain": "chain", "FrameEditor": "correct",
    "SequenceRecipe": "plan", "sequence_recipe": "plan", "SequenceMatte": "run", "load_state": "state_file",
    "save_state": "state_file", "LayerTracks": "tracks", "begin_tracks": "tracks", "follow": "tracks",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
