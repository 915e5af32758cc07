"""Clips: frames a second by codec, what phos adds to developing, and memory over many frames.

    python benchmarks/bench_clips.py                 # all parts that can run here
    python benchmarks/bench_clips.py raw             # frames from memory: needs no ffmpeg
    python benchmarks/bench_clips.py codecs memory
    python benchmarks/bench_clips.py raw --backend cupy --frames 320

`raw` puts frames of 16 bits from memory through `develop_stream`, beside `develop` on the same
frames; and between two processes that send and take raw frames by pipes, so that the cost of these
is seen where there is no ffmpeg. `codecs` develops a clip that ffmpeg makes into each codec.
`memory` develops 2000 small frames, in a process of its own.
"""

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

import phos_core as phos
from phos_core.convolution import select
from phos_video import Order, VideoError, develop_clip, develop_stream, find_programs

PARTS = ("raw", "codecs", "memory")
IN_THIS_PROCESS = "memory-in-this-process"
SIZES = {"1080p": (1080, 1920), "4K": (2160, 3840)}
CODECS = {
    "prores": ".mov",
    "prores-4444": ".mov",
    "hevc": ".mp4",
    "av1": ".mkv",
    "ffv1": ".mkv",
}
FILM = "vision3-500t"
MOST_BY_PIPES = 64  # frames: where pipes are slow, more say nothing new
COPY = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer, 1 << 20)"


def main() -> None:
    """Run the parts that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    asked.add_argument("--backend", help="what computes; by default the best here")
    asked.add_argument("--frames", type=int, default=16, help="in each measurement")
    asked.add_argument("--codecs", default=",".join(CODECS), help="which, with commas between")
    asked.add_argument("--rounds", type=int, default=3, help="of which the median is shown")
    options = asked.parse_args()
    if options.parts == [IN_THIS_PROCESS]:
        memory_in_this_process(options.backend)
        return
    if unknown := set(options.parts) - set(PARTS):
        asked.error(f"no such part: {', '.join(sorted(unknown))}")
    os.environ.setdefault("PHOS_COMPILE", "wait")
    chosen = select(options.backend, pixels=2**21).backend
    print(f"{chosen.name} on {chosen.device}, {os.cpu_count()} cores, {FILM} on super-35")
    if os.environ.get("OPENBLAS_CORETYPE"):
        print(f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} is set")
    has_ffmpeg = True
    try:
        find_programs()
    except VideoError as error:
        has_ffmpeg = False
        print(f"only raw frames are measured: {error}")
    for part in options.parts or PARTS:
        if part == "raw":
            measure_raw(chosen.name, options.frames, options.rounds)
        elif has_ffmpeg and part == "codecs":
            measure_codecs(chosen.name, options.frames, options.codecs.split(","))
        elif part == "memory":
            measure_memory(chosen.name)


def recipe(**more: Any) -> phos.Recipe:
    """The settings of all that is measured."""
    return phos.Recipe(film=FILM, film_format="super-35", output_space="rec709", **more)


def noise(rows: int, cols: int, count: int) -> list[np.ndarray]:
    """Frames of 10 bits in 16, as a decoder gives them: smooth, with a little noise."""
    drawn = np.random.default_rng(1)
    ramp = (
        np.linspace(4000, 60000, cols)[None, :, None] * np.linspace(0.4, 1.0, rows)[:, None, None]
    )
    frames = [ramp + drawn.normal(0, 800, (rows, cols, 3)) for _ in range(count)]
    return [(frame.clip(0, 65535).astype(np.uint16) >> 6) * 64 for frame in frames]


def measure_raw(backend: str, count: int, rounds: int) -> None:
    """Frames from memory through the stream, beside develop's own rate on the same frames."""
    print(
        f"\nraw frames of uint16 from memory, {count} of each, frames a second, median of {rounds}"
    )
    print(f"{'':8}{'develop':>10}{'stream':>10}{'share':>8}{'by pipes':>10}{'share':>8}")
    on_device = not isinstance(select(backend).backend.to_device(np.zeros(1)), np.ndarray)
    for name, (rows, cols) in SIZES.items():
        frames = noise(rows, cols, 4)
        alone = _median(rounds, count, partial(_alone, frames, count, backend, on_device))
        stream = _median(rounds, count, partial(_streamed, frames, count, backend))
        few = min(count, MOST_BY_PIPES)
        pipes = _median(rounds, few, partial(_piped, frames, few, backend))
        print(
            f"{name:8}{alone:10.1f}{stream:10.1f}{stream / alone:8.0%}{pipes:10.1f}"
            f"{pipes / alone:8.0%}"
        )


def _median(rounds: int, count: int, run: Callable[[], None]) -> float:
    run()  # compiled, and memory taken
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return count / statistics.median(seconds)


def _alone(frames: list[np.ndarray], count: int, backend: str, on_device: bool) -> None:
    """Develop alone: frame by frame on a CPU; on a device the same stack again and again."""
    if not on_device:
        out = np.empty_like(frames[0])
        for number in range(count):
            phos.develop(
                frames[number % len(frames)], recipe=recipe(frame=number), backend=backend, out=out
            )
        return
    at_once = max(1, min(16, 2**29 // frames[0].nbytes))
    stack = np.stack([frames[number % len(frames)] for number in range(at_once)])
    out = np.empty_like(stack)
    for first in range(0, count, at_once):
        some = slice(0, min(at_once, count - first))
        phos.develop(stack[some], recipe=recipe(frame=first), backend=backend, out=out[some])


def _streamed(frames: list[np.ndarray], count: int, backend: str) -> None:
    source = (frames[number % len(frames)] for number in range(count))
    for _ in develop_stream(source, recipe(), backend=backend):
        pass


def _piped(frames: list[np.ndarray], count: int, backend: str) -> None:
    """The same with a process before it that sends raw frames, and one behind that takes them."""
    size, shape = frames[0].nbytes, frames[0].shape
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(frame.tobytes() for frame in frames))
        file.flush()
        send = (
            f"import sys\nd = open({file.name!r}, 'rb').read()\n"
            f"for n in range({count}): sys.stdout.buffer.write("
            f"memoryview(d)[n % {len(frames)} * {size}:][:{size}])"
        )
        with (
            subprocess.Popen(
                [sys.executable, "-c", send], stdout=subprocess.PIPE, bufsize=0
            ) as sender,
            subprocess.Popen(
                [sys.executable, "-c", COPY],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
            ) as taker,
        ):
            for positive in develop_stream(
                _read(sender.stdout, shape, count), recipe(), backend=backend
            ):
                left = memoryview(np.ascontiguousarray(positive)).cast("B")
                while left:
                    left = left[taker.stdin.write(left) :]
            taker.stdin.close()


def _read(stream: Any, shape: tuple[int, ...], count: int) -> Iterator[np.ndarray]:
    for _ in repeat(None, count):
        frame = np.empty(shape, np.uint16)
        left = memoryview(frame).cast("B")
        while left:
            left = left[stream.readinto(left) :]
        yield frame


def measure_codecs(backend: str, count: int, codecs: list[str]) -> None:
    """A clip of 1080p into each codec: frames a second, and who uses the processor.

    The difference between a long run and a short one is what a frame takes: what is done once, the
    programs' start among it, is in both.
    """
    short = max(1, count // 4)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        source = Path("source.mov")
        _make(source, "1920x1080", count)
        develop_ms = _develop_cpu_ms(source, backend)
        print(f"\n1080p of 10 bits, {short} to {count} frames, ms of processor time a frame")
        print(
            f"{'':14}{'frames/s':>9}{'develop':>9}{'phos adds':>10}{'share':>7}{'ffmpeg':>8}"
            f"{'MB':>7}"
        )
        for codec in codecs:
            destination = Path(f"{codec}{CODECS[codec]}")
            try:
                few = _taken(source, destination, codec, short, backend)
                many = _taken(source, destination, codec, count, backend)
            except VideoError as error:
                print(f"{codec:14}{error}")
                continue
            seconds, own_s, ffmpeg_s = (
                (more - less) / (count - short) for more, less in zip(many, few, strict=True)
            )
            own_ms = own_s * 1e3 - develop_ms
            print(
                f"{codec:14}{1 / seconds:9.2f}{develop_ms:9.0f}{own_ms:10.1f}"
                f"{own_ms / develop_ms:7.0%}{ffmpeg_s * 1e3:8.0f}"
                f"{destination.stat().st_size / 1e6:7.1f}"
            )


def _taken(
    source: Path, destination: Path, codec: str, count: int, backend: str
) -> tuple[float, float, float]:
    """Seconds of the clock, of this process and of ffmpeg for so many frames."""
    own, children, start = time.process_time(), _children_s(), time.perf_counter()
    develop_clip(
        source,
        destination,
        recipe(),
        Order(codec=codec, count=count),
        backend=backend,
        jobs=1,
        overwrite=True,
    )
    return time.perf_counter() - start, time.process_time() - own, _children_s() - children


def _make(place: Path, size: str, count: int) -> None:
    """A clip of 10 bits that moves, with sound; ProRes, which is quick to decode."""
    programs = find_programs()
    subprocess.run(
        [
            *(programs.ffmpeg, "-loglevel", "error", "-f", "lavfi"),
            *("-i", f"testsrc2=size={size}:rate=25,noise=alls=3:allf=t"),
            *("-f", "lavfi", "-i", "sine=440", "-frames:v", str(count), "-shortest"),
            *("-pix_fmt", "yuv422p10le", "-c:v", "prores_ks", "-c:a", "pcm_s16le"),
            *("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709"),
            *("-color_trc", "bt709", str(place)),
        ],
        check=True,
    )


def _develop_cpu_ms(source: Path, backend: str) -> float:
    """Processor time of `develop` for a frame, as the clip's frames are developed."""
    from phos_video import probe, read_frames

    programs = find_programs()
    clip = probe(source, programs)
    settings = recipe(input_space=clip.input_space)
    with read_frames(clip, programs) as frames:
        held = list(islice(frames, 6))
    out = np.empty_like(held[0])
    phos.develop(held[0], recipe=settings, backend=backend, out=out)
    taken = []
    for _ in range(3):
        start = time.process_time()
        for frame in held:
            phos.develop(frame, recipe=settings, backend=backend, out=out)
        taken.append((time.process_time() - start) / len(held))
    return statistics.median(taken) * 1e3


def _children_s() -> float:
    """Processor time of children that have ended: ffmpeg's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_memory(backend: str) -> None:
    """Resident memory while 2000 small frames go through the stream, in a fresh process."""
    here = [sys.executable, __file__, IN_THIS_PROCESS, "--backend", backend]
    sys.stdout.flush()
    subprocess.run(here, check=True)


def memory_in_this_process(backend: str) -> None:
    """Print it."""
    frame = noise(180, 320, 1)[0]
    seen: dict[int, float] = {}
    positives = develop_stream(repeat(frame, 2000), recipe(), backend=backend)
    for number, _ in enumerate(positives, 1):
        if number in (1, 20, 200, 1000, 2000):
            seen[number] = _resident_mb()
    print("\nresident memory, 2000 frames of 320 x 180")
    for number, megabytes in seen.items():
        print(f"after {number:4} frames {megabytes:8.1f} MB")


def _resident_mb() -> float:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
