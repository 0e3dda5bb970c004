"""Every number that a user can choose, as data.

Each field carries its range, unit, label, effect and source, and from these the window builds its sliders and the
commands their options. Instances are frozen; constructing one checks every range (`ParameterError`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sss_model.errors import ParameterError
from sss_model.params.fields import Checked, choice, number, several, shown, switch

SUPPLEMENT, RELEASED = "supplement, section 1", "the authors' released program"


@dataclass(frozen=True)
class FilterParams(Checked):
    """Guided filter of the features along the image's edges (He et al. 2013)."""

    radius: int = number(
        6,
        0,
        200,
        "Radius",
        unit="px",
        source=f"measured; {RELEASED} has a window of 10",
        help="half width of the filter's window, which is 2 radius + 1; larger smooths wider regions",
    )
    eps: float = number(
        1e-4,
        1e-8,
        1.0,
        "Edge sensitivity",
        unit="squared intensity",
        source=f"measured; {RELEASED} and He et al. 2013 have 0.01",
        log=True,
        help="regularisation for a guide in [0, 1]; larger keeps fewer edges",
    )


FILTER_PRESETS = {"crisp": FilterParams(), "paper": FilterParams(radius=5, eps=0.01)}
"""Crisp: on held-out pictures two nearby pixels of the filtered components are told apart across a border no worse than
before the filter. With the paper's values, made for every pixel of a picture, they are told apart less well."""


@dataclass(frozen=True)
class ProjectionParams(Checked):
    """Which three numbers of a pixel's features become red, green and blue."""

    seed: int = number(0, 0, 2**31 - 1, "Seed", source="supplement, Fig. 2b", help="seed of the random projection")
    red: int = number(1, 1, 16, "R", help="principal component shown as red")
    green: int = number(2, 1, 16, "G", help="principal component shown as green")
    blue: int = number(3, 1, 16, "B", help="principal component shown as blue")
    range: str = choice(
        "full",
        ("full", "whitened"),
        "Range",
        help="which values become 0 and 1: full, the component's least and greatest; whitened, 2.5 standard deviations "
        "each way of its mean, so that components weigh alike, a few values are clipped and colours are milder",
    )


@dataclass(frozen=True)
class SimilarityParams(Checked):
    """How alike two pixels' features count as being."""

    metric: str = choice(
        "cosine",
        ("cosine", "distance"),
        "Measure",
        help="cosine compares directions; distance is Euclidean, as the training loss has it",
    )
    threshold: float = number(0.8, 0.0, 1.0, "Threshold", help="least similarity that the mask keeps; 1 is the same")


@dataclass(frozen=True)
class ClusterParams(Checked):
    """k-means of the features."""

    clusters: int = number(8, 2, 32, "Clusters", help="k, how many groups the pixels are put into")
    cluster_seed: int = number(0, 0, 2**31 - 1, "Seed", help="seed of the first centres; same seed, same clusters")


@dataclass(frozen=True)
class NetworkParams(Checked):
    """What rebuilds a network; travels inside every checkpoint."""

    backbone: str = choice(
        "resnet101", (), "Backbone", source=SUPPLEMENT, help="resnet101 (torchvision, atrous) or any timm name"
    )
    variant: str = choice(
        "supplement",
        ("supplement", "released", "taps"),
        "Variant",
        help="supplement: the paper's text; released: the authors' program; taps: backbone stages, no head",
    )
    output_stride: int = number(
        8, 1, 64, "Output stride", unit="px", source=SUPPLEMENT, help="stride of the deepest stage"
    )
    blocks: tuple[int, ...] = several(
        (), "Blocks", kind=int, help="stages or transformer blocks to tap, from 0 or from the end; none: four"
    )
    branch_channels: tuple[int, ...] = field(default=(4, 124, 128, 256, 512))
    hidden_channels: int = number(512, 1, 4096, "Hidden channels", source=SUPPLEMENT)
    feature_channels: int = number(
        128, 3, 4096, "Feature channels", source=SUPPLEMENT, help="d, the features' dimension"
    )
    tap_scale: str = choice(
        "none",
        ("none", "rms"),
        "Tap scale",
        help="rms brings every tap to unit root mean square per pixel before its branch",
    )
    alignment: str = choice(
        "half-pixel",
        ("half-pixel", "centred"),
        "Alignment",
        help="where a cell of a coarse stage lies in the image: half-pixel as bilinear resizing has it, "
        "centred on its receptive field as the backbone's padding puts it",
    )
    norm_statistics: str = choice(
        "stored",
        ("stored", "image"),
        "Batch norm statistics",
        source=RELEASED,
        help="released only: the stored means and variances, or each image's own as the "
        "authors' script had it by default",
    )
    dropout: float = number(
        0.5, 0.0, 0.95, "Dropout", source=SUPPLEMENT, help="on the 1x1 layers' inputs, in training only"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(1 <= channels <= 4096 for channels in self.branch_channels):
            raise ParameterError(
                f"branch_channels must be whole numbers from 1 to 4096, got {shown(list(self.branch_channels))}."
            )


@dataclass(frozen=True)
class DataSource(Checked):
    """One data set to read, in place."""

    path: str
    kind: str = choice("auto", (), "Kind", help="a format's name, or what numbers stand for: inst, class, obj; or auto")
    weight: float = number(1.0, 0.0, 1e6, "Weight", help="its images are drawn in proportion to this")
    splits: tuple[str, ...] = ()
    """Sub-folders such as train2017; empty takes the format's own choice."""
    void: tuple[int, ...] | None = None
    """Label numbers that mean no single class, beside the format's own; None takes those known for the folder."""
    label_maps: str = choice(
        "upright",
        ("upright", "stored"),
        "Label maps",
        help="how those of pictures that EXIF turns lie where their size does not tell: upright, or as the picture is "
        "stored",
    )


@dataclass(frozen=True)
class SamplingParams(Checked):
    """Which pixels of an image are compared."""

    instances: int = number(3, 2, 64, "P_inst", source=SUPPLEMENT, help="instances (regions) in one sampling")
    pixels: int = number(
        1000, 2, 20000, "P_pix", unit="px", source=SUPPLEMENT, help="pixels from each instance, drawn with replacement"
    )
    samplings: int = number(
        10, 1, 100, "Samplings", source=SUPPLEMENT, help="samplings of an image, accumulated into one update"
    )
    min_area: int = number(64, 1, 100000, "Minimum area", unit="px", help="smaller regions of the crop are dropped")
    void: str = choice(
        "needed",
        ("needed", "always", "never"),
        "Void as negative",
        help="when unlabelled pixels are a region of negatives: needed = where there is one label only, and in all "
        "pictures of the kinds inst, class and obj",
    )
    contrast: str = choice(
        "class",
        ("class", "unnamed", "instance"),
        "Contrast",
        source=SUPPLEMENT,
        help="class: two things of one class are the same, and not compared where their class is not known; "
        "unnamed: those whose class is not known are different; instance: all are, where a data set knows instances",
    )
    border_windows: int = number(
        0,
        0,
        1000,
        "Border windows",
        help="further samplings of an image, each of the pixels around one point of a border between labels",
    )
    border_pixels: int = number(64, 4, 20000, "Pixels of a window", unit="px", help="all its labels get as many")
    border_radius: int = number(16, 3, 1000, "Radius of a window", unit="px")


SIZE_RANGE = (32, 16384)
SCALE_RANGE = (0.25, 4.0)
# chosen by measurement on held-out pictures: the last two as the best at under twice the time of one scale at 640, the
# first for what is large, at a twentieth of their time
AUTOMATIC_SIDE = 640
LARGEST_ENLARGEMENT = 2  # of a small picture, unasked: more was not measured
AUTOMATIC_SCALES = (0.3, 0.5, 1.25)


def check_scales(scales: tuple[float, ...], name: str = "scales (Scales)") -> None:
    """Raise `ParameterError`, which calls them `name`, unless `scales` are up to 4 different numbers in their range."""
    low, high = SCALE_RANGE
    fits = len(scales) <= 4 and all(low <= scale <= high for scale in scales)
    if not fits or len(set(scales)) < len(scales):
        got = ", ".join(map(shown, scales))
        raise ParameterError(f"{name} must be up to 4 different numbers from {low:g} to {high:g}; got {got}.")


def grid_side(size: str | int, long_side: int) -> int:
    """The long side of the working grid, in cells, of a picture whose long side is `long_side` pixels.

    Parameters
    ----------
    size : `auto`, `native` or a number of cells

    Raises
    ------
    ParameterError : it is none of these, or out of range
    """
    if size == "native":
        return long_side
    if size == "auto":
        return min(AUTOMATIC_SIDE, LARGEST_ENLARGEMENT * long_side)
    low, high = SIZE_RANGE
    if not str(size).isdecimal() or not low <= int(size) <= high:
        raise ParameterError(f"size (Size) must be auto, native, or a whole number from {low} to {high}; got {size!r}.")
    return int(size)


@dataclass(frozen=True)
class GridParams(Checked):
    """The working grid: at which size the network sees a picture, and where its features live."""

    size: str = choice(
        "auto",
        (),
        "Size",
        help=f"long side of the picture as the network sees it, in pixels ({SIZE_RANGE[0]} to {SIZE_RANGE[1]}), "
        f"auto (now {AUTOMATIC_SIDE}) or native (every pixel)",
    )
    scales: tuple[float, ...] = several(
        (),
        "Scales",
        kind=float,
        unit="times the size",
        help="features of the picture at each of these times the size are averaged; 1 to 4 numbers from "
        f"{SCALE_RANGE[0]:g} to {SCALE_RANGE[1]:g}; empty: {','.join(map(str, AUTOMATIC_SCALES))}, or 1 if native",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        grid_side(self.size, 1)
        check_scales(self.scales)

    @property
    def network_scales(self) -> tuple[float, ...]:
        """`scales`, or the automatic ones where none are named."""
        return self.scales or ((1.0,) if self.size == "native" else AUTOMATIC_SCALES)


@dataclass(frozen=True)
class ExtractParams(GridParams):
    """How features are computed: the working grid, the device and its arithmetic."""

    device: str = choice("auto", (), "Device", help="auto, cpu, cuda, cuda:N or mps")
    precision: str = choice(
        "float32",
        ("float32", "bfloat16", "float16"),
        "Precision",
        help="arithmetic of the network; the reduced ones are for GPUs and state their error",
    )
    tile: int = number(
        0,
        0,
        16384,
        "Tile",
        unit="px",
        help="side of the backbone's tiles; 0 chooses by the memory at hand, and no tiling where it fits",
    )


EXPORT_FORMATS = ("npz16", "npz32", "npy", "mat", "exr", "tiff")


@dataclass(frozen=True)
class ExportParams(Checked):
    """What is written for each picture, and what happens to files that are there already."""

    pictures: bool = switch(True, "Pictures", help="the four panes as PNG")
    raw: bool = switch(True, "Raw features", help="the network's features, (H, W, D)", numbers=True)
    raw_full_size: bool = switch(
        False,
        "Raw at full size",
        of="raw",
        help="raw features at the photograph's own size, as float16: each pixel's are those of the cells around it, "
        "most of all of those of its colour; else, and where the photograph is no larger than its grid, on the grid",
    )
    filtered: bool = switch(False, "Filtered features", help="all D channels after the guided filter", numbers=True)
    full_size: bool = switch(
        False,
        "Filtered at full size",
        of="filtered",
        help="filtered features at the photograph's own size, along its edges, as float16; else on the working grid",
    )
    map3: bool = switch(
        False, "3-channel map", help="guided filter + PCA as numbers in [0, 1], (H, W, 3)", numbers=True
    )
    strip: bool = switch(False, "[image | features] strip", help="side by side, as the authors' MATLAB demo reads it")
    save_basis: bool = switch(
        False, "PCA basis", help="mean, axes and explained variance, to be used again with --basis"
    )
    figure: str = choice(
        "none", ("none", "png", "svg", "pdf"), "Figure", help="the four panes with their titles on one page"
    )
    figure_width: int = number(180, 20, 2000, "Figure width", unit="mm", help="of that page")
    formats: tuple[str, ...] = several(
        ("npz16",),
        "Formats",
        known=EXPORT_FORMATS,
        help=f"of features and the 3-channel map: {', '.join(EXPORT_FORMATS)}",
    )
    existing: str = choice(
        "overwrite",
        ("overwrite", "skip", "refuse"),
        "Existing files",
        help="overwrite them, skip a picture whose files are all there, or refuse",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        written = self.pictures, self.raw, self.filtered, self.map3, self.strip, self.save_basis, self.figure != "none"
        if not any(written):
            raise ParameterError("There is nothing to write.", hint="Choose the pictures, say.")
        if self.full_size and not self.filtered:
            raise ParameterError(
                "full_size is of the filtered features, which are not written.", hint="Add --filtered."
            )
        if self.raw_full_size and not self.raw:
            raise ParameterError(
                "raw_full_size is of the raw features, which are not written.", hint="Leave out --no-raw."
            )
        if (self.raw or self.filtered or self.map3) and not self.formats:
            raise ParameterError("formats must name at least one format for the features.", hint="Choose npz16, say.")


@dataclass(frozen=True)
class ReadParams(Checked):
    """How a picture is read, where its file leaves a choice."""

    layer: str = choice(
        "", (), "Layer", help="layer of an EXR by its name; none: the combined, the beauty or the first"
    )
    page: int = number(0, 0, 10**6, "Page", help="page of a stack of pictures, from 1; 0: the first")
    exposure: float = number(
        0.0,
        -20.0,
        20.0,
        "Exposure",
        unit="stops",
        help="brighter or darker, of linear light such as an EXR's; highlights above 1 roll off",
    )
    display_range: str = choice(
        "auto",
        ("auto", "data", "full"),
        "Display range",
        help="which values of deep grey become black and white: auto, those that the file names, or the data's where "
        "they fill under a tenth of the range; data, the least and the greatest; full, the numbers' whole range",
    )
    strict: bool = switch(
        False, "Strict", help="refuse a picture that ends too early or has pixels that are not finite"
    )
