"""An array as it lies in a feature file, with what the file says about it, and how a reader picks and refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import parsed

KEYS = ("features", "embedmap", "x_norm_patchtokens", "patch_tokens", "last_hidden_state")  # the first is taken


@dataclass(frozen=True)
class StoredArray:
    """An array of any shape and type as a file holds it.

    Attributes
    ----------
    axis_order : where the file says which axis is which
    metadata : what the file says of itself
    reversible : whether the axes may lie in the opposite order, and the file does not say
    """

    array: NDArray[Any]
    axis_order: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    reversible: bool = False


@contextlib.contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while reading `path` into a `FeatureFileError` with a sentence."""
    try:
        yield
    except FeatureFileError:
        raise
    except FileNotFoundError as error:
        raise FeatureFileError(
            f"{path} does not exist.", hint="It may have been moved or renamed.", missing=True
        ) from error
    except PermissionError as error:
        raise FeatureFileError(f"{path} may not be read by you.", hint="Change its permissions.") from error
    except MemoryError as error:
        raise FeatureFileError(f"{path} does not fit into memory.", hint="Close other programs, or crop it.") from error
    except Exception as error:  # on damaged bytes the parsers raise anything; details of the error show what
        raise FeatureFileError(
            f"{path} is damaged or not a {path.suffix.lower()} file.", hint="Copy or export it again."
        ) from error


def choose(path: Path, there: Mapping[str, str], candidates: list[str]) -> str:
    """The name of the feature array among `there` (name -> description): one of `KEYS`, or the only candidate."""
    for key in KEYS:
        if key in there:
            return key
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(f"{name} {what}" for name, what in there.items()) or "nothing"
    what = f"{len(candidates)} arrays that could be features" if candidates else "no array that could be features"
    raise FeatureFileError(
        f"{path} holds {what}; expected embedmap, features, or a single numeric array of 3 axes, found {listed}.",
        hint="Save the features alone, or under the name embedmap.",
    )


def stored(array: NDArray[Any], text: Any, axis_order: str | None = None, *, reversible: bool = False) -> StoredArray:
    """`array` with its metadata from JSON `text`, whose layout counts before `axis_order`."""
    metadata = parsed(text)
    return StoredArray(array, metadata.pop("layout", axis_order), metadata, reversible)
