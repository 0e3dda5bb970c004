"""The numbers of soft layers: how they are cut, what becomes of a matte, what is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sss_model.errors import ParameterError
from sss_model.params.fields import Checked, choice, number, several, switch
from sss_model.params.hosts import HOSTS

LAYER_FORMATS = (
    "png", "png-premultiplied", "alpha", "npz", "psd", "ora", "exr", "cryptomatte", "index", "coco", "pfm"
)  # fmt: skip
SOFT_METHODS = ("sss", "spectral-matting")
NETWORKS = ("mask-rcnn", "deeplab", "pspnet")
SEGMENT_METHODS = (*SOFT_METHODS, *NETWORKS, "masks")


@dataclass(frozen=True)
class SegmentParams(Checked):
    """Soft segments: a picture's layers with soft borders."""

    method: str = choice(
        "sss",
        SEGMENT_METHODS,
        "Method",
        source="Aksoy et al. 2018",
        help="sss: semantic soft segmentation; spectral-matting: Levin et al. 2008, colours alone; mask-rcnn, deeplab, "
        "pspnet: networks; masks: a file of labels, outlines or masks",
    )
    layers: int = number(
        5, 1, 16, "Layers", source="Aksoy et al. 2018", help="how many, of sss and spectral-matting; the others find it"
    )
    size: int = number(
        640,
        0,
        4096,
        "Working size",
        unit="px",
        help="long side of the grid that layers are computed on, before they follow the picture's edges at full size; "
        "0 takes the picture's own",
    )
    segment_seed: int = number(0, 0, 2**31 - 1, "Seed", help="of the first groups; same seed, same layers")
    lift: bool = switch(
        False, "Soft borders", help="hard masks follow the picture's edges by the guided filter, as soft ones do"
    )


@dataclass(frozen=True)
class MatteParams(Checked):
    """What is done to a matte after its layers are picked."""

    tightness: float = number(0.0, -1.0, 1.0, "Tightness", help="above 0 borders are harder, below 0 softer")
    grow: float = number(0.0, -50.0, 50.0, "Grow", unit="px", help="moves borders outward; below 0 inward")
    feather: float = number(
        0.0, 0.0, 100.0, "Feather", unit="px", help="blurs borders: a Gaussian's standard deviation"
    )
    invert: bool = switch(False, "Invert", help="what is left out in place of what is taken")


@dataclass(frozen=True)
class ClassParams(Checked):
    """How a picture was cut, for its record: by the classes of a file with this digest."""

    classes_sha256: str


@dataclass(frozen=True)
class LayerExportParams(Checked):
    """What is written of each picture's layers, and what happens to files that are there already."""

    formats: tuple[str, ...] = several(
        ("png",), "Formats", known=LAYER_FORMATS, help=f"of the layers: {', '.join(LAYER_FORMATS)}"
    )
    decontaminate: bool = switch(
        False,
        "Decontaminate",
        source="Germer et al. 2020",
        help="layers have their own colours at soft borders, without the background's; alphas stay as they are",
    )
    overlay: bool = switch(
        False, "Overlay", source="supplement", help="a picture of the layers in colours over the photograph in grey"
    )
    compare: bool = switch(
        False, "Comparison", source="Figures 3 to 5", help="a picture of image, features and layers of several methods"
    )
    against: tuple[str, ...] = several(
        ("spectral-matting",),
        "Against",
        known=SEGMENT_METHODS[1:],
        help=f"methods in the comparison, besides sss: {', '.join(SEGMENT_METHODS[1:])}",
    )
    host: str = choice(
        "",
        ("", *HOSTS),
        "For",
        help="a program: what it reads best, but for what is said beside it; "
        + "; ".join(f"{name}: {','.join(host.formats)}, {host.alpha}, {host.colour}" for name, host in HOSTS.items()),
    )
    existing: str = choice(
        "overwrite",
        ("overwrite", "skip", "refuse"),
        "Existing files",
        help="overwrite them, skip a picture whose files are all there, or refuse",
    )

    @classmethod
    def for_host(cls, name: str) -> Self:
        """What the program `name`, of `HOSTS`, reads best; of "" the defaults.

        Examples
        --------
        >>> LayerExportParams.for_host("gimp").formats
        ('psd',)
        """
        if name not in HOSTS:
            return cls(host=name)
        return cls(formats=HOSTS[name].formats, decontaminate=HOSTS[name].decontaminate, host=name)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.formats or self.overlay or self.compare):
            raise ParameterError("There is nothing to write.", hint="Name at least one of the formats, png say.")
