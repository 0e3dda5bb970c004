"""What a drop or the clipboard carries that can be opened: files, or a picture itself."""

from __future__ import annotations

import base64
import binascii
import html
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

# A file's own bytes have its profile and the side that is up, which pixels have lost.
_TYPES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/tiff": ".tif", "image/avif": ".avif",
          "image/heic": ".heic", "image/jxl": ".jxl", "image/gif": ".gif", "image/bmp": ".bmp",
          "image/x-bmp": ".bmp"}  # fmt: skip
_LONGEST_LINK = 100
_SOURCE = re.compile(r"""<img\b[^>]*?\bsrc=["']([^"']+)""", re.IGNORECASE)


@dataclass(frozen=True)
class Carried:
    """What there is to open, the best first.

    Attributes
    ----------
    paths : local files, in their order
    data, suffix : a picture file's bytes, and its suffix
    image : pixels
    link : the address of a page or a picture elsewhere, which is not fetched
    """

    paths: list[Path] = field(default_factory=list)
    data: bytes = b""
    suffix: str = ".png"
    image: QImage | None = None
    link: str = ""

    def __bool__(self) -> bool:
        return bool(self.paths or self.data or self.image is not None or self.link)

    @property
    def has_picture(self) -> bool:
        """Whether a picture itself is there."""
        return bool(self.data) or self.image is not None


def carried(data: QMimeData | None) -> Carried:
    """What `data` holds; nothing, which is false, where there is nothing to open."""
    if data is None:
        return Carried()
    paths = [path for url in data.urls() if (path := _local(url)) is not None]
    if paths:
        return Carried(paths)
    links = [url for url in data.urls() if not url.isEmpty()]
    if data.hasHtml():  # a picture dragged out of a page
        links += [QUrl(html.unescape(address)) for address in _SOURCE.findall(data.html())]
    for kind, suffix in _TYPES.items():
        if data.hasFormat(kind) and (content := bytes(data.data(kind).data())):
            return Carried(data=content, suffix=suffix, image=_image(data))
    if (image := _image(data)) is not None:
        return Carried(image=image)
    for link in links:
        if link.scheme() == "data":
            return _inline(link.toString(QUrl.ComponentFormattingOption.FullyEncoded))
    web = [link.toString() for link in links if link.scheme() in ("http", "https", "ftp")]
    return Carried(link=web[0] if len(web[0]) <= _LONGEST_LINK else f"{web[0][:_LONGEST_LINK]}…") if web else Carried()


def _local(url: QUrl) -> Path | None:
    """The file that `url` names on this machine; its bytes may be of another encoding than UTF-8."""
    if url.scheme() != "file" or url.host() not in ("", "localhost"):
        return Path(url.toLocalFile()) if url.isLocalFile() else None
    if sys.platform == "win32":
        url.setHost("")
        return Path(url.toLocalFile())
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))


def _image(data: QMimeData) -> QImage | None:
    image = data.imageData() if data.hasImage() else None
    return image if isinstance(image, QImage) and not image.isNull() else None


def _inline(address: str) -> Carried:
    """The picture that a `data:` address holds."""
    head, _, content = address.partition(",")
    kind, *more = head.removeprefix("data:").lower().split(";")
    try:
        plain = unquote_to_bytes(content)
        whole = base64.b64decode(plain) if "base64" in more else plain
    except (binascii.Error, ValueError):
        return Carried()
    return Carried(data=whole, suffix=_TYPES[kind]) if kind in _TYPES and whole else Carried()
