"""Develop a roll on threads, on processes, or on a Dask cluster: any executor will do.

python examples/roll_with_any_executor.py threads|processes|tcp://HOST:PORT [FOLDER [OUTPUT]]
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import phos_core as phos
from phos_core.backend import usable_cores
from phos_darkroom import develop_roll, limit_threads

HERE = Path(__file__).parent


def executor_on(where):
    """Give what runs the frames; its workers must see the same files."""
    if where == "threads":
        return ThreadPoolExecutor(usable_cores())
    if where == "processes":  # one thread each, since there is one for each core
        fresh = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            usable_cores(), mp_context=fresh, initializer=limit_threads, initargs=(1,)
        )
    import phos_dask

    return phos_dask.executor(where)


def main(where="threads", folder=HERE / "photos", output=HERE / "output" / "roll"):
    """Develop a folder of pictures; print what became of each."""
    recipe = phos.Recipe(film="portra-400", seed=7)
    with executor_on(where) as executor:
        for result in develop_roll(folder, output, recipe, executor=executor):
            print(f"{result.destination.name}: {result.error or result.status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
