"""Photograph the app's page, wide and on a telephone: `nox -s app_pictures`.

    python examples/make_app_pictures.py [FOLDER]

Needs phos-app, Playwright, and a Chromium on the PATH or in PHOS_CHROMIUM. By default the pictures
go to docs/pictures/app-*.png.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
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
SIZES = {"wide": ((1440, 900), 1), "phone": ((390, 844), 2)}
PATIENCE_MS = 240_000
COLOURS = 255  # of the PNGs' palettes: they are to stay small
ADDRESS = re.compile(r"http://\S+")


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        open_page(browser, address, "wide").close()  # what is compiled, is by now
        take_wide(open_page(browser, address, "wide"), folder)
        take_phone(open_page(browser, address, "phone"), folder)
        browser.close()


def take_wide(page: Any, folder: Path) -> None:
    """Take those of a window."""
    page.locator("#films .film", has_text="Gold 200").click()
    settle(page)
    save(page, folder / "app-wide.png")
    page.keyboard.press("s")
    for label in ("Ektar 100", "Velvia 50", "Tri-X 400"):
        page.locator("#films .film", has_text=label).click()
    page.mouse.move(700, 20)
    settle(page)
    save(page, folder / "app-wide-films.png")
    page.keyboard.press("s")
    page.keyboard.press("y")
    page.keyboard.press("1")
    settle(page)
    save(page, folder / "app-wide-full-size.png")
    page.keyboard.press("y")
    page.keyboard.press("0")
    page.keyboard.press("r")
    page.locator("#crop-ratio").select_option("5:4")
    settle(page)
    save(page, folder / "app-wide-crop.png")


def take_phone(page: Any, folder: Path) -> None:
    """Take those of a phone, a sheet each."""
    tabs = page.locator("#sheet-tabs")
    save(page, folder / "app-phone.png")
    for name, file in (("Adjust", "controls"), ("Roll", "roll")):
        tabs.get_by_role("button", name=name).click()
        settle(page)
        save(page, folder / f"app-phone-{file}.png")


def open_page(browser: Any, address: str, kind: str) -> Any:
    """Open the page with a photograph on it."""
    (width, height), ratio = SIZES[kind]
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=ratio
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(address)
    page.locator("body.is-ready").wait_for()
    page.locator("#photo-files").set_input_files(PHOTO)
    page.locator(".pane.after img.whole").first.wait_for()
    settle(page)
    return page


def settle(page: Any) -> None:
    """Wait until the page has come to rest, with all its stamps."""
    page.wait_for_timeout(300)
    page.locator("#stage[aria-busy=false]").wait_for(state="attached")
    expect(page.locator("#films img.is-empty, #frames img.is-empty")).to_have_count(0)
    page.evaluate("document.querySelector('#said').hidden = true")
    page.wait_for_timeout(300)


def save(page: Any, path: Path) -> None:
    """Save what the page shows, as a PNG of few colours."""
    shot = Image.open(BytesIO(page.screenshot()))
    shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(
        path, optimize=True
    )
    print(path, f"{path.stat().st_size / 1000:.0f} kB")


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


def chromium() -> str | None:
    """The Chromium of this machine; None: Playwright's own."""
    return os.environ.get("PHOS_CHROMIUM") or shutil.which("chromium")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures")
