"""Where the files that come with the program are: the model, the sample picture, the icons."""

from __future__ import annotations

from pathlib import Path

MODEL = "sss_lite2.safetensors"
SAMPLE = "sample.jpg"


def resource(name: str) -> Path:
    """Path of the shipped file `name`, in an installed wheel or in the checkout.

    Raises
    ------
    FileNotFoundError : the installation is incomplete

    Examples
    --------
    >>> resource(MODEL).name
    'sss_lite2.safetensors'
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "resources", package.parent / "resources"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(
        f"The shipped file {name} is missing; expected it in {package / 'resources'}. Reinstall the program."
    )
