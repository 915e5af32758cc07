"""A roll of pictures spread over several GPUs, one process for each."""

import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

__all__ = ["over_gpus", "see_only_one", "visible_gpus"]

VISIBLE = "CUDA_VISIBLE_DEVICES"

Item = TypeVar("Item")
Result = TypeVar("Result")


def visible_gpus() -> list[str]:
    """Name the NVIDIA GPUs that this process may use.

    Returns
    -------
    list of str
        What ``CUDA_VISIBLE_DEVICES`` lists; without it the numbers of all that the driver shows;
        none where there is no driver.
    """
    listed = os.environ.get(VISIBLE)
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip()]
    try:
        told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    except OSError:
        return []
    return [str(number) for number, _ in enumerate(told.stdout.splitlines())]


def over_gpus(
    work: Callable[[Item], Result], items: Iterable[Item], gpus: Sequence[str]
) -> Iterator[Result]:
    """Do work on items, each GPU in a process of its own.

    Parameters
    ----------
    work : callable
        ``work(item)``: a function of a module, or a `partial` of one. It runs where no other GPU
        can be seen, and chooses its backend as ever.
    items : iterable
        What there is to do, such as the paths of pictures: what goes from process to process is
        copied, and pictures are large. A process that has done one takes the next.
    gpus : sequence of str
        As `visible_gpus` names them, at least one; twice the same: two processes share it.

    Yields
    ------
    object
        What `work` returned, in the order of the items.

    Raises
    ------
    ValueError
        If there is no GPU.
    Exception
        What `work` raised, at its item's turn.
    """
    if not gpus:
        raise ValueError("gpus must name at least one GPU, got none; visible_gpus() lists them")
    fresh = multiprocessing.get_context("spawn")
    names: SimpleQueue[str] = fresh.SimpleQueue()
    for name in gpus:
        names.put(name)
    with ProcessPoolExecutor(
        len(gpus), mp_context=fresh, initializer=see_only_one, initargs=(names,)
    ) as processes:
        yield from processes.map(work, items)


def see_only_one(names: "SimpleQueue[str]") -> None:
    """Leave a new process one GPU: CUDA reads the variable when it starts, which it has not yet."""
    os.environ[VISIBLE] = names.get()
