"""HEIC by pi-heif, AVIF by Pillow or, with more than 8 bits, by imagecodecs; PQ and HLG are tone-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io import pillow
from sss_model.image_io.coding_points import Codes, coloured
from sss_model.image_io.coding_points import decoded as coded
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.iso_boxes import boxes, brands
from sss_model.image_io.pixel_values import check_size, upright
from sss_model.params import ReadParams

_HEVC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AV1 = {b"avif", b"avis"}


def _open_heif(source: Path) -> Any:
    """The file's first picture, upright, no pixel decoded."""
    file = needed("pi_heif", "HEIC and HEIF pictures", "pi-heif").open_heif(
        source, convert_hdr_to_8bit=False, bgr_mode=False
    )
    check_size(*file.size)
    if 0 in file.size:
        raise OSError("its header names no size")
    return file


def _heif_header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    file = _open_heif(source)
    deep = file.info.get("bit_depth", 8) > 8
    converted = bool(file.info.get("icc_profile")) or deep
    return Header(file.size[::-1], 4, 2 if deep else 1, converted, source.stat().st_size)


def _heif_decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    file = _open_heif(source)
    bits = file.info.get("bit_depth", 8)
    samples = np.array(file)  # whose memory goes with the file
    if file.mode.startswith("RGBa"):  # premultiplied
        samples = _straight(samples)
    if bits > 8 and samples.dtype == np.uint16:
        samples = (samples >> (16 - bits)).astype(np.float32) / np.float32(2**bits - 1)
    if file.info.get("icc_profile"):
        return coloured(samples, file.info["icc_profile"])
    return coded(samples, _codes(file.info.get("nclx_profile")), params)


def _straight(samples: NDArray[Any]) -> NDArray[np.float32]:
    unit = samples / np.float32(np.iinfo(samples.dtype).max)
    return np.concatenate([np.clip(unit[..., :3] / np.maximum(unit[..., 3:], 1e-6), 0, 1), unit[..., 3:]], axis=2)


def _codes(nclx: Any) -> Codes:
    known = nclx if isinstance(nclx, dict) else {}
    return Codes(int(known.get("color_primaries", 2)), int(known.get("transfer_characteristics", 2)))


def _avif_says(source: Path) -> tuple[int, Codes | None]:
    """Bits of a sample, and the colours' code points where the file has them."""
    bits, codes = 8, None
    with open(source, "rb") as file:
        for kind, content in boxes(file, only=(b"av1C", b"colr")):
            if kind == b"av1C" and len(content) > 2 and content[2] & 0x40:
                bits = 12 if content[2] & 0x20 else 10
            elif content[:4] == b"nclx" and len(content) >= 10 and codes is None:
                codes = Codes(int.from_bytes(content[4:6], "big"), int.from_bytes(content[6:8], "big"))
    return bits, codes


def _avif_header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    bits, codes = _avif_says(source)
    with pillow.opened(source, "AVIF") as picture:
        header = pillow.header_of(picture)
    deep = 2 if bits > 8 else 1
    return header._replace(
        sample_bytes=deep, converted=header.converted or codes is not None, besides=source.stat().st_size
    )


def _avif_decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    bits, codes = _avif_says(source)
    with pillow.opened(source, "AVIF") as picture:
        profile, turned = picture.info.get("icc_profile"), pillow.orientation_of(picture)
        if bits == 8:
            samples = pillow.samples_of(picture)
    if bits > 8:
        deep = needed("imagecodecs", "AVIF pictures of more than 8 bits").avif_decode(source.read_bytes(), index=0)
        samples = deep.astype(np.float32) / np.float32(2**bits - 1)
    done = coloured(samples, profile) if profile or codes is None else coded(samples, codes, params)
    return Decoded(upright(done.samples, turned), done.said, done.plate)


HEIF = Decoder(
    "HEIC", (".heic", ".heif", ".hif"), lambda head, _: bool(brands(head) & _HEVC), _heif_header, _heif_decode
)
AVIF = Decoder("AVIF", (".avif", ".avifs"), lambda head, _: bool(brands(head) & _AV1), _avif_header, _avif_decode)
