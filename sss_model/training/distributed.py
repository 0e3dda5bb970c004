"""The processes that train together, as torchrun starts them; alone, all of this does nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from sss_model.extractor import pick_device


@dataclass(frozen=True)
class ProcessGroup:
    """This process is number `rank` of `size`, and number `local` on its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this process validates, logs and saves."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """The device called `name`, each process's own where there are several GPUs.

        Raises
        ------
        DeviceError : this machine has no such device
        """
        device = pick_device(name)
        if device.type == "cuda" and device.index is None and self.size > 1:
            return torch.device("cuda", self.local)
        return device

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """`module` under DDP, which averages gradients over the processes."""
        if self.size == 1:
            return module
        return DistributedDataParallel(
            module,
            device_ids=[device] if device.type == "cuda" else None,
            broadcast_buffers=False,
            gradient_as_bucket_view=True,
        )

    @contextlib.contextmanager
    def defer_gradient_exchange(self, module: nn.Module, *, defer: bool) -> Iterator[None]:
        """Leave out DDP's exchange while gradients still accumulate."""
        if defer and isinstance(module, DistributedDataParallel):
            with module.no_sync():
                yield
        else:
            yield

    def any(self, value: bool) -> bool:
        """Whether `value` holds in any process."""
        return self.mean(float(value)) > 0

    def mean(self, value: float) -> float:
        """Mean of `value` over processes."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            shared = shared.cuda(self.local)
        dist.all_reduce(shared)
        return float(shared) / self.size

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextlib.contextmanager
def join_process_group(device: str) -> Iterator[ProcessGroup]:
    """The group that torchrun describes in the environment, left at the end; without torchrun, one process."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup()
        return
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), size, local)
    finally:
        dist.destroy_process_group()
