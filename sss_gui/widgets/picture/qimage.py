"""Pictures <-> QImage; the one place of the window that knows about strides and pixel formats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPixmap


def to_qimage(picture: NDArray[np.uint8]) -> QImage:
    """Wrap a picture without copying it.

    Parameters
    ----------
    picture : (H, W), (H, W, 3) or (H, W, 4) uint8
        Grey, RGB or RGBA with straight alpha. Must not change while the QImage lives; the QImage keeps it alive.
    """
    picture = np.ascontiguousarray(picture)
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise ValueError(f"picture must be uint8 (H, W), (H, W, 3) or (H, W, 4), got {picture.dtype} {picture.shape}.")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    formats = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    if channels not in formats:
        raise ValueError(f"picture must have 1, 3 or 4 channels, got {channels}.")
    height, width = picture.shape[:2]
    if not height or not width:
        return QImage()
    image = QImage(picture.data, width, height, width * channels, formats[channels])
    image.picture = picture  # type: ignore[attr-defined]  # the buffer must outlive the QImage
    return image


def from_qimage(image: QImage) -> NDArray[np.uint8]:
    """The (H, W, 3) uint8 RGB picture of a QImage, as a copy; transparent pixels are laid over white."""
    if image.isNull():
        return np.zeros((0, 0, 3), np.uint8)
    picture = stored_pixels(image)
    if picture.shape[2] == 3:
        return picture
    rgba = picture.astype(np.uint16)
    alpha = rgba[..., 3:]
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def stored_pixels(image: QImage) -> NDArray[np.uint8]:
    """The pixels of a QImage as a copy: (H, W, 3) uint8, or (H, W, 4) with straight alpha where it has some."""
    if image.isNull():
        return np.zeros((0, 0, 3), np.uint8)
    channels = 4 if image.hasAlphaChannel() else 3
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    image = image.convertToFormat(form)
    return _rows(image, channels).copy()


def pixel_words(image: QImage) -> NDArray[np.uint32]:
    """The pixels (H, W) of a `Format_RGB32` image in place, each 0xffRRGGBB: good while the caller holds the image."""
    flat = np.frombuffer(image.bits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return flat[:, : image.width()]


def to_pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    """A picture as a pixmap of its own."""
    return QPixmap.fromImage(to_qimage(picture))


def _rows(image: QImage, channels: int) -> NDArray[np.uint8]:
    """The pixels in place: only good while the caller holds `image`."""
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : image.width() * channels].reshape(image.height(), image.width(), channels)
