"""The processes that train one model together: those that torchrun started, or this one alone.

Each takes an equal share of every batch; torch's DistributedDataParallel averages their gradients while they are
computed, and so all hold the same weights at every step (Li et al. 2020). The first one writes for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nnz.files.errors import UsageError, quoted
from nnz.files.terminal import is_one_of_several

NETWORK = ("gloo", "NCCL", "onnection", "imed out")  # words by which one of torch's errors tells of a lost worker
REMEDY = "start the command by torchrun, or, if it is to run alone, unset WORLD_SIZE"
MOST = 2**20  # workers
PATIENCE = timedelta(minutes=10)  # how long a worker waits for the others: rank 0 draws and saves between steps


def own_device(device: str) -> str:
    """Return the device of this worker where every worker has one: "cuda" becomes "cuda:1" in the second.

    Raises UsageError as `together` does.
    """
    return f"cuda:{_number('LOCAL_RANK', 0, MOST)}" if device == "cuda" and together() else device


def together() -> bool:
    """Tell whether torchrun started more than this process. Raises UsageError if it made no such environment."""
    if not is_one_of_several():
        return False
    count = _number("WORLD_SIZE", 2, MOST)
    _number("RANK", 0, count - 1)
    _number("MASTER_PORT", 0, 65535)
    if not os.environ.get("MASTER_ADDR"):
        raise UsageError(f"MASTER_ADDR is missing in the environment, where torchrun puts an address; {REMEDY}")
    return True


def _number(name: str, least: int, most: int) -> int:
    text = os.environ.get(name, "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not least <= number <= most:
        what = f"{name} is {quoted(text)}" if text else f"{name} is missing"
        raise UsageError(f"{what} in the environment, where torchrun puts a number from {least} to {most}; {REMEDY}")
    return number


class Workers:
    """All processes that train `model`, which lives on `device`; joins them at once. Raises ConnectionError."""

    def __init__(self, model: nn.Module, device: str) -> None:
        self.rank, self.count = 0, 1
        self._model = model
        if together():
            with _lost():
                if not dist.is_initialized():
                    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
                self.rank, self.count = dist.get_rank(), dist.get_world_size()
                self._model = nn.parallel.DistributedDataParallel(model)

    @property
    def model(self) -> nn.Module:
        """The model whose backward averages the gradients of all workers."""
        return self._model

    def shares(self, batch_size: int, parts: int) -> list[slice]:
        """Return this worker's rows of a batch, in so many parts. Raises UsageError if the rows come out uneven."""
        size, left = divmod(batch_size, self.count * parts)
        if left:
            workers = "" if self.count == 1 else f"{self.count} workers of "
            raise UsageError(
                f"train.batch_size = {batch_size} does not come out even in {workers}{parts} parts each; "
                f"take a multiple of {self.count * parts}"
            )
        first = self.rank * parts
        return [slice(i * size, (i + 1) * size) for i in range(first, first + parts)]

    def uneven_shares(self, batch_size: int) -> list[slice]:
        """Return this worker's rows of a batch that need not come out even: one part, or none if there are too few."""
        first, end = (worker * batch_size // self.count for worker in (self.rank, self.rank + 1))
        return [slice(first, end)] if first < end else []

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean over all workers. Raises ConnectionError if one is lost."""
        if self.count == 1:
            return value
        with _lost():
            dist.all_reduce(value)
        return value / self.count

    def agree(self, requested: bool) -> bool:
        """Tell whether any of them requests it. Raises ConnectionError if one is lost."""
        return (
            requested
            if self.count == 1
            else float(self.mean(torch.tensor(float(requested), device=self._device()))) > 0
        )

    def hold_alike(self, start: tuple) -> None:
        """Raises ValueError unless all of them hold what the first one holds."""
        if self.count == 1:
            return
        first = [start]
        with _lost():
            dist.broadcast_object_list(first, src=0)
        if self.agree(first[0] != start):
            raise ValueError("the workers do not start alike: all must find the same recipe, data and run folder")

    def part(self) -> None:
        """Leave the others: from here on each works alone."""
        if self.count > 1:
            self.count = 1
            with _lost():
                dist.destroy_process_group()

    @contextmanager
    def averaging(self, last: bool) -> Iterator[None]:
        """Inside, a backward adds up gradients; the last one of a batch averages them over all workers."""
        waiting = nullcontext() if last or self.count == 1 else self._model.no_sync()
        with _lost(), waiting:
            yield

    def _device(self) -> torch.device:
        return next(self._model.parameters()).device


@contextmanager
def _lost() -> Iterator[None]:
    """Turn what torch raises when a worker is gone into one line."""
    try:
        yield
    except RuntimeError as error:
        if together() and any(word in str(error) for word in NETWORK):
            raise ConnectionError(
                f"a worker was lost ({str(error).splitlines()[0][:120]}); "
                "the same command with --resume continues from the last checkpoint"
            ) from error
        raise
