"""How fast the app follows a slider, how soon it begins, and what ten windows take of memory.

    python benchmarks/bench_app.py [--backend NAME ...] [--windows]

The server is started as a user starts it, and asked over the loopback interface, as a browser asks
it: from a slider's new value to the last byte of the picture, at 1.5 megapixels. Each value is new,
so that nothing is there already. A browser's own part is measured in tests/app.
"""

import argparse
import contextlib
import http.client
import io
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from PIL import Image

import phos_core as phos

PHOTO = Path(__file__).parent.parent / "examples/photos/seeding.jpg"
SIZE = (6000, 4000)
VIEW = {"kind": "fit", "cols": 1500, "rows": 1000}
ROUNDS = 15
FIRST = 3  # values that are not counted: code is compiled and tables are made
WANTED_MS = 120
DESKS = 10
WINDOWS = 8
PORT = 8611


def main():
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--backend", action="append", help="whose preview is timed, or several")
    options.add_argument("--windows", action="store_true", help="also many windows at once")
    asked = options.parse_args()
    photo = jpeg(SIZE)
    begin = time.perf_counter()
    with served() as server:
        print(f"answers {1000 * (time.perf_counter() - begin):.0f} ms after its start")
        desk = server.new_desk()
        frame = server.add(desk, photo)
        server.render(desk, frame, {})
        print(f"first picture, of 24 MP: {time.perf_counter() - begin:.2f} s after its start")
        for name in asked.backend or running():
            time_slider(server, desk, frame, name)
        if asked.windows:
            many_windows(server)
            ten_desks(server, photo)


def time_slider(server, desk, frame, backend):
    """Move a slider."""
    took, parts = [], []
    for number in range(ROUNDS + FIRST):
        settings = {"exposure_stops": round(0.07 * number, 2)}
        start = time.perf_counter()
        _, report = server.render(desk, frame, settings, backend=backend)
        took.append(1000 * (time.perf_counter() - start))
        parts.append(report)
    counted = took[FIRST:]
    median = statistics.median(counted)
    encoding = statistics.median(part["encode_ms"] for part in parts[FIRST:])
    verdict = "within" if median <= WANTED_MS else "beyond"
    print(
        f"{backend:<12} first {took[0]:6.0f} ms, then {median:4.0f} ms "
        f"({min(counted):.0f} to {max(counted):.0f}), {encoding:.0f} of them its JPEG: "
        f"{verdict} the {WANTED_MS} ms that are wanted on two cores with Numba"
    )


def many_windows(server):
    """Ask for pictures of several windows at once: each gets its own."""
    photos = [jpeg((600 + 10 * number, 400)) for number in range(WINDOWS)]
    desks = [server.new_desk() for _ in photos]
    frames = [server.add(desk, photo) for desk, photo in zip(desks, photos, strict=True)]
    widths = {}

    def ask(number):
        image, _ = server.render(desks[number], frames[number], {})
        with Image.open(io.BytesIO(image)) as picture:
            widths[number] = picture.width

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(WINDOWS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = sum(width == 600 + 10 * number for number, width in widths.items())
    took = time.perf_counter() - start
    print(f"{WINDOWS} windows at once: {own} got their own picture, all within {took:.2f} s")


def ten_desks(server, photo):
    """Open a picture of 24 MP on each of ten desks."""
    before = server.memory_mib()
    for _ in range(DESKS):
        desk = server.new_desk()
        frame = server.add(desk, photo)
        server.render(desk, frame, {})
    status = server.get("/api/status")
    after = server.memory_mib()
    print(
        f"{DESKS} more desks of 24 MP: {before} MiB before, {after} MiB after; pictures and light "
        f"{status['held_mib']:.0f} MiB"
    )


class Server:
    """A server, and what a browser asks of it."""

    def __init__(self, process, address):
        self.process = process
        self.host, query = address.removeprefix("http://").split("/", 1)
        answer = self.ask("GET", f"/{query}")
        self.cookie = answer.getheader("set-cookie").partition(";")[0]

    def ask(self, method, path, body=None, **headers):
        """Ask for something, with the cookie."""
        connection = http.client.HTTPConnection(self.host)
        if hasattr(self, "cookie"):
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def get(self, path):
        """Get an object."""
        return json.load(self.ask("GET", path))

    def new_desk(self):
        """Make a desk."""
        return self.ask("GET", "/").getheader("location").rpartition("/")[2]

    def add(self, desk, photo):
        """Put a photograph on a desk."""
        answer = self.ask("POST", f"/api/desks/{desk}/frames", photo, **{"X-Name": "photo.jpg"})
        return json.load(answer)["id"]

    def render(self, desk, frame, settings, backend=None):
        """Have a picture rendered; its bytes, and what ran."""
        asked = {"frame": frame, "settings": settings, "view": VIEW, "backend": backend}
        answer = self.ask("POST", f"/api/desks/{desk}/render", json.dumps(asked))
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(content.decode())
        return content, json.loads(answer.getheader("x-report"))

    def memory_mib(self):
        """What the server holds, where Linux says so."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return 0
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) // 1024


@contextlib.contextmanager
def served():
    """Start the server as a user does, and end it."""
    command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            address = next(
                word for line in process.stdout for word in line.split() if "://" in word
            )
            yield Server(process, answering(address))
        finally:
            process.terminate()


def answering(address):
    """Give an address as soon as somebody answers there."""
    host = address.removeprefix("http://").partition("/")[0]
    while True:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection(host)
            connection.request("GET", "/")
            connection.getresponse()
            return address
        time.sleep(0.02)


def running():
    """Name the backends that run here."""
    return [report.name for report in phos.backends() if report.status in ("ok", "not-compiled")]


def jpeg(size):
    """A photograph of a size, as a JPEG."""
    stream = io.BytesIO()
    with Image.open(PHOTO) as picture:
        picture.resize(size).save(stream, "JPEG", quality=92)
    return stream.getvalue()


if __name__ == "__main__":
    main()
