"""The devices of this machine in words; torch is loaded where they are asked for."""

from __future__ import annotations


def device_words(device: str) -> str:
    """`device` with the name of the hardware where torch knows it."""
    if device.startswith("cuda"):
        import torch

        return f"{device} · {torch.cuda.get_device_name(torch.device(device))}"
    return device


def devices() -> tuple[tuple[str, str], ...]:
    """(key, words) of each device on this machine."""
    import torch

    named = [("cpu", f"Processor, {torch.get_num_threads()} threads")]
    named += [(f"cuda:{n}", torch.cuda.get_device_name(n)) for n in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        named.append(("mps", "Apple GPU"))
    return tuple(named)
