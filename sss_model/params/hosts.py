"""What is written for the programs that layers go to: `sss-segment --for NAME`, *For what* of the export's dialog."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """A program, and what it reads best.

    Attributes
    ----------
    title : as a person calls it
    job : what one does there
    formats : of `LAYER_FORMATS`; layers keep their names in each
    alpha : how the layers' colours go with it: straight, premultiplied, or matte where there are no colours
    colour : sRGB or linear; of mattes, whose numbers are the alphas themselves, linear
    decontaminate : whether layers have their own colours at soft borders, to be laid over other pictures
    number_last : whether a number that ends a picture's name ends its files' names too (`files.names.number_last`),
        since the program takes files whose names differ in their last number for frames
    """

    title: str
    job: str
    formats: tuple[str, ...]
    alpha: str
    colour: str
    decontaminate: bool = False
    number_last: bool = False


HOSTS = {
    "krita": Host("Krita", "Painting", ("psd",), "straight", "sRGB"),
    "gimp": Host("GIMP", "Editing", ("psd",), "straight", "sRGB"),
    "blender": Host("Blender", "Compositing", ("exr", "cryptomatte"), "premultiplied", "linear", number_last=True),
    "nuke": Host("Nuke", "Compositing", ("exr", "cryptomatte"), "premultiplied", "linear", number_last=True),
    "resolve": Host("Resolve, Fusion", "Video", ("png", "cryptomatte"), "straight", "sRGB", True, number_last=True),
    "darktable": Host("darktable", "Raster masks", ("pfm",), "matte", "linear"),
    "after-effects": Host("After Effects", "Video", ("psd", "cryptomatte"), "straight", "sRGB", number_last=True),
}
