"""Five tasks at the page of phos-app, as a newcomer does them: clicks, keys and seconds of each.

    python benchmarks/app_tasks.py

Needs phos-app, Playwright, and a Chromium on the PATH or in PHOS_CHROMIUM. The seconds are the
machine's alone, without the time a person thinks; the backend is warmed before.

BEFORE holds what the same tasks took with the page that this one replaced (a Streamlit form, commit
fc3f508), counted once on two cores that others used too. Its films were compared one after the
other, never side by side; its corrections were two developments more, after the roll's.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "examples/photos/seeding.jpg"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WINDOW = {"width": 1440, "height": 900}
PATIENCE_MS = 240_000

BEFORE = {
    "first picture": "1 click, 0 keys, 2.1 s",
    "a film for a portrait": "2 clicks, 0 keys, 8.8 s",
    "a roll of ten, two corrections": "15 clicks, 37 keys, 21.7 s",
    "three films compared": "4 clicks, 11 keys, 1.7 s",
    "export for print": "4 clicks, 0 keys, not timed",
}


@dataclass
class Hand:
    """Somebody at the page, whose clicks and keys are counted."""

    page: Any
    clicks: int = 0
    keys: int = 0
    started: float = field(default_factory=time.perf_counter)

    def click(self, place: Any) -> None:
        """Click something."""
        self.clicks += 1
        place.click()

    def type(self, text: str) -> None:
        """Type something where one is."""
        self.keys += len(text)
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        """Press a key."""
        self.keys += 1
        self.page.keyboard.press(key)

    def button(self, name: str) -> Any:
        """Find a button."""
        return self.page.get_by_role("button", name=name, exact=True)

    def film(self, label: str) -> Any:
        """Find a film in the strip."""
        return self.page.locator("#films .film", has_text=label)

    def sees(self) -> None:
        """Wait until the picture stands."""
        self.page.locator(".pane.after img.whole").first.wait_for()
        self.page.wait_for_timeout(100)
        self.page.locator("#stage[aria-busy=false]").wait_for(state="attached")

    def told(self) -> str:
        """Say what it took."""
        seconds = time.perf_counter() - self.started
        return f"{self.clicks} clicks, {self.keys} keys, {seconds:.1f} s"


def first_picture(hand: Hand, folder: Path) -> None:
    """From the landing page to a photograph on film."""
    hand.click(hand.button("Try an example"))
    hand.sees()


def film_for_a_portrait(hand: Hand, folder: Path) -> None:
    """Look for portrait films, see three on the picture, take one."""
    hand.press("/")
    hand.type("portrait")
    for label in ("Portra 160", "Portra 400", "Pro 400H"):
        hand.film(label).hover()
        hand.page.wait_for_timeout(200)
        hand.sees()
    hand.click(hand.film("Portra 160"))
    hand.sees()


def roll_of_ten(hand: Hand, folder: Path) -> None:
    """Ten frames on one film, two of them corrected, brought home."""
    hand.clicks += 1  # that opens the browser's own window for files
    hand.page.locator("#photo-files").set_input_files(sorted(folder.glob("frame-*.jpg")))
    hand.sees()
    expect(hand.page.locator("[data-frame]")).to_have_count(10)
    hand.click(hand.film("Gold 200"))
    hand.sees()
    hand.click(hand.page.get_by_text("This frame", exact=True))
    for number, stops in ((3, "1"), (7, "-0.5")):
        hand.click(hand.page.locator("[data-frame]").nth(number - 1))
        hand.sees()
        exposure = hand.page.locator("[data-control=exposure_stops] input[type=number]")
        hand.click(exposure)
        hand.type(stops)
        hand.press("Enter")
        hand.sees()
    with hand.page.expect_download():
        hand.click(hand.button("Develop all 10"))


def three_films(hand: Hand, folder: Path) -> None:
    """Three films beside each other, and the best of them taken."""
    hand.click(hand.button("Side by side"))
    for label in ("Ektar 100", "Velvia 50"):
        hand.click(hand.film(label))
    expect(hand.page.locator(".pane.after img.whole")).to_have_count(3)
    hand.sees()
    hand.click(hand.button("Use Fujichrome Velvia 50"))
    hand.sees()


def export_for_print(hand: Hand, folder: Path) -> None:
    """A TIFF at full size."""
    hand.click(hand.page.locator("#export-open"))
    dialog = hand.page.get_by_role("dialog", name="Export")
    hand.click(dialog.get_by_role("button", name="For print"))
    with hand.page.expect_download():
        hand.click(dialog.get_by_role("button", name="Develop"))


TASKS: dict[str, tuple[Callable[[Hand, Path], None], bool]] = {
    "first picture": (first_picture, False),
    "a film for a portrait": (film_for_a_portrait, True),
    "a roll of ten, two corrections": (roll_of_ten, False),
    "three films compared": (three_films, True),
    "export for print": (export_for_print, True),
}
"""Each with whether a photograph is there already."""


def main() -> None:
    """Do the tasks and print what each took."""
    with tempfile.TemporaryDirectory() as name, app() as address, sync_playwright() as playwright:
        folder = Path(name)
        make_roll(folder)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        warm(browser, address)
        print(f"{'task':32} {'before':28} now")
        for task, (act, has_photo) in TASKS.items():
            page = open_page(browser, address)
            if has_photo:
                ready = Hand(page)
                ready.click(ready.button("Try an example"))
                ready.sees()
            hand = Hand(page)
            act(hand, folder)
            print(f"{task:32} {BEFORE[task]:28} {hand.told()}", flush=True)
            page.context.close()
        browser.close()


def warm(browser: Any, address: str) -> None:
    """Have what is compiled once for a machine compiled."""
    page = open_page(browser, address)
    page.get_by_role("button", name="Try an example").click()
    Hand(page).sees()
    page.context.close()


def make_roll(folder: Path) -> None:
    """Write ten frames of six megapixels."""
    with Image.open(PHOTO) as photo:
        frame = photo.convert("RGB").resize((3000, 2000))
    for number in range(1, 11):
        frame.save(folder / f"frame-{number:02}.jpg", quality=90)


def open_page(browser: Any, address: str) -> Any:
    """Open the page as somebody new has it."""
    page = browser.new_context(viewport=WINDOW).new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(address)
    page.locator("body.is-ready").wait_for()
    return page


@contextlib.contextmanager
def app() -> Iterator[str]:
    """Start ``phos app`` on a free port, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", str(port)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = process.stdout or ()
        address = next(found[0] for line in lines if (found := ADDRESS.search(line)))
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


ADDRESS = re.compile(r"http://\S+")


def chromium() -> str | None:
    """The Chromium of this machine; None: Playwright's own."""
    return os.environ.get("PHOS_CHROMIUM") or shutil.which("chromium")


if __name__ == "__main__":
    main()
