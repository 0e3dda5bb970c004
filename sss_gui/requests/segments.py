"""What is asked about soft segments, and the answers: layers as uint8 on the working grid, parts of them in full.

A cut is all that the components of a picture depend on. Layers are groups of its components, so another number of
layers, a merge or a split asks for other groups of the same cut, and nothing but the grouping is computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ComputeFeatures, ExportResult, Patch, Picture, Pyramid, Source, View
from sss_model.matting.steps import Step
from sss_model.params.layers import LayerExportParams, MatteParams, SegmentParams

if TYPE_CHECKING:
    from sss_model.classes import TaughtClasses

Alphas = npt.NDArray[np.uint8]
Groups = tuple[int, ...]  # each component's layer 0, 1, ...
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class SegmentsResult:
    """The components of a picture, as far as a window needs them to group.

    Attributes
    ----------
    features : number of the features that they are made of
    picture : (h, w, 3) uint8, the photograph on the working grid
    grey : the photograph in grey at its own size, and its reductions
    shares : each component's share of the picture, of sum 1
    groupings : the groups for every number of layers that there is, by rising number
    merges : which components and groups join, in order: merge m makes the group (number of components) + m
    names : of the components, where a file has some
    layers : of taught classes: each component as a layer
    confidence : of taught classes: how sure they are of the picture, 0 to 1; None while that is not known
    matched : for each component the layer of the other frame that it goes to; empty where there is none to match
    """

    source: Source
    features: int
    picture: Picture
    grey: Pyramid
    shares: tuple[float, ...]
    groupings: tuple[Groups, ...]
    merges: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()
    layers: LayersResult | None = None
    confidence: float | None = None
    matched: Groups = ()


@dataclass(frozen=True)
class SegmentsRequest(Request[SegmentsResult]):
    """Cut a picture into components.

    Attributes
    ----------
    features : what is segmented
    params : method, seed and working size; `layers` is how many are computed first
    file : of the method masks, or a network's weights
    consent : whether weights that are not on this machine may be downloaded
    classes : taught classes in place of all these: each is a component, and comes as a layer at once, then exactly
    like : layers of another frame of the sequence, which those of this one are to be matched to
    """

    features: ComputeFeatures
    params: SegmentParams = field(default_factory=SegmentParams)
    file: Path | None = None
    consent: bool = False
    classes: TaughtClasses | None = None
    like: LayersRequest | None = None


@dataclass(frozen=True)
class LayersResult:
    """Layers on the working grid, and each one's share of the picture.

    Attributes
    ----------
    alphas : (h, w, N) uint8, of sum 255 at every pixel
    exact : whether they are the layers, or only their components' sums, for as long as these take
    words : each layer's place and colour, such as 'left, dark green'; none while they are not exact
    """

    source: Source
    groups: Groups
    alphas: Alphas
    shares: tuple[float, ...]
    exact: bool = True
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayersRequest(Request[LayersResult]):
    """Group the components of a cut into layers."""

    cut: SegmentsRequest
    groups: Groups


@dataclass(frozen=True)
class Matte:
    """What a matte is made of.

    Attributes
    ----------
    picked : the layers whose sum it is, or begins with
    steps : clicks, strokes and a box, in their order
    edges : whether its edges are solved at the photograph's own size, where it has steps
    params : what is done to it then
    """

    picked: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    edges: bool = True
    params: MatteParams = field(default_factory=MatteParams)

    @property
    def plain(self) -> bool:
        """Whether it is nothing but the sum of its layers, or what that leaves."""
        return not self.steps and replace(self.params, invert=False) == MatteParams()


@dataclass(frozen=True)
class FrameList:
    """The frames of a sequence, in order.

    Attributes
    ----------
    numbers : of the frames, as the files have them
    rate : frames a second; None where nothing says
    notes : sentences about what is odd, such as numbers that are missing
    version : another number once their files are other ones
    """

    name: str
    sources: tuple[Source, ...]
    numbers: tuple[int, ...]
    rate: float | None = None
    notes: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Mark:
    """What a user did to the matte of one frame.

    Attributes
    ----------
    frame : its place in the sequence, from 0
    matte : the matte that is carried on; of a correction its steps count
    backwards : whether a correction counts for the frames before it too
    """

    frame: int
    matte: MatteRequest
    backwards: bool = False


@dataclass(frozen=True)
class Carry:
    """A matte that is carried through the frames of a sequence, with all that it is made of.

    Attributes
    ----------
    key : the frame that it was made in
    corrections : by rising frame
    """

    frames: FrameList
    key: Mark
    corrections: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class CarriedTo:
    """A frame that a matte is carried to, with the corrections of other frames."""

    carry: Carry
    frame: int


@dataclass(frozen=True)
class MatteResult:
    """A matte on the working grid.

    Attributes
    ----------
    matte : (h, w) uint8
    solved : whether its edges are solved, or are not to be; else that is under way
    picture : (h, w, 3) uint8, the photograph on that grid
    colours : (h, w, 3) uint8, the matte's own colours where they were asked for
    """

    source: Source
    matte: Alphas
    picture: Picture
    colours: Picture | None = None
    solved: bool = True


@dataclass(frozen=True)
class MatteRequest(Request[MatteResult]):
    """Make the matte; with `decontaminate` also its colours without the background's.

    `layers` of no groups are enough for one that is made by steps alone. With `carried` the steps correct the matte
    that comes from other frames.
    """

    layers: LayersRequest
    matte: Matte
    decontaminate: bool = False
    carried: CarriedTo | None = None

    @property
    def drawn(self) -> bool:
        """Whether it is more than layers: clicked and drawn, or carried."""
        return bool(self.matte.steps) or self.carried is not None

    @property
    def plain(self) -> bool:
        """Whether the window can make it of the layers it has."""
        return self.matte.plain and not self.decontaminate and self.carried is None

    @property
    def features(self) -> ComputeFeatures:
        """What it is a matte of."""
        return self.layers.cut.features


@dataclass(frozen=True)
class PrepareMatteRequest(Request[None]):
    """Cut the picture into superpixels, so that the first click is answered at once."""

    features: ComputeFeatures
    carried: CarriedTo | None = None


@dataclass(frozen=True)
class HoverRequest(Request[Alphas]):
    """Say what the matte (h, w) would be after a click at `point`, (x, y) in pixels, that keeps or drops."""

    matte: MatteRequest
    point: tuple[int, int]
    keep: bool


@dataclass(frozen=True)
class RecipeRequest(Request[Path]):
    """Write the matte as a recipe, for a command line or another picture."""

    matte: MatteRequest
    path: Path


@dataclass(frozen=True)
class Look:
    """How layers and matte are looked at.

    Attributes
    ----------
    colours : of every layer
    shown : the layers that are not hidden
    solo : the layer that is seen alone, cut out; None: all of them in their colours
    alpha : one of `ALPHA_VIEWS`
    colour : what lies behind the matte in the view colour
    backdrop : the picture that lies behind it in the view picture
    """

    colours: tuple[Colour, ...]
    shown: tuple[int, ...]
    solo: int | None = None
    alpha: str = "grey"
    colour: Colour = (0, 177, 64)
    backdrop: Path | None = None


@dataclass(frozen=True)
class SegmentsLiftRequest(Request[dict[str, Patch]]):
    """The part `view` of layers and matte as sharp as the photograph, by pane; nothing where the grid is as fine."""

    matte: MatteRequest
    look: Look
    view: View


@dataclass(frozen=True)
class MatteLiftRequest(Request[Patch]):
    """Show the part `view` of a matte with steps at the photograph's own size; nothing where the grid is as fine."""

    matte: MatteRequest
    look: Look
    view: View


@dataclass(frozen=True)
class BackdropRequest(Request[Picture]):
    """Read a picture that a matte is laid over, cut and resized to cover a working grid of `size` (h, w)."""

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class CutOutRequest(Request[Picture]):
    """Cut out what the matte says, for the clipboard: (H, W, 4) uint8 with straight alpha, at the photograph's size."""

    matte: MatteRequest


@dataclass(frozen=True)
class ExportLayersRequest(Request[ExportResult]):
    """Write layers, or the one matte, into a folder as `sss-segment` does.

    Attributes
    ----------
    names : of the layers; of the matte, one
    order : the layers' order in the files; empty: the largest first
    colours : of the layers in the overlay
    matte : what to write instead of the layers
    like : of another picture: the matte of the same thing, found here again, is what to write instead
    stem : what the files are called after, where pictures of a batch have the same name; '' is the picture's own
    begun, done : the share of a batch that is over before it, and after it

    Layers of no groups are as many as the cut's parameters say, with the names that it has.
    """

    layers: LayersRequest
    names: tuple[str, ...]
    folder: Path
    params: LayerExportParams
    order: tuple[int, ...] = ()
    colours: tuple[Colour, ...] = ()
    matte: MatteRequest | None = None
    like: MatteRequest | None = None
    stem: str = ""
    begun: float = 0.0
    done: float = 1.0
