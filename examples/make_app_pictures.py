"""Photograph the app's page, wide and on a telephone: `nox -s app_pictures`.

    python examples/make_app_pictures.py [FOLDER]

Needs phos-app, Playwright, and a Chromium on the PATH or in PHOS_CHROMIUM. By default the pictures
go to docs/pictures/app-*.png.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

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
SIZES = {"wide": (1440, 1120), "phone": (390, 844)}
PATIENCE_MS = 120_000
COLOURS = 255  # of the PNGs' palettes: they are to stay small


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        open_page(browser, address, *SIZES["wide"]).close()  # what is compiled, is by now
        for name, size in SIZES.items():
            page = open_page(browser, address, *size)
            save(page, folder / f"app-{name}.png")
            if name == "phone":
                page.get_by_test_id("stExpandSidebarButton").click()
                settle(page)
                save(page, folder / f"app-{name}-controls.png")
                page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
                settle(page)
            for section in ("Films", "Curves", "Backends"):
                open_section(page, section)
                save_below(page, folder / f"app-{name}-{section.lower()}.png")
            page.get_by_role("radio", name="100 %").click()
            settle(page)
            open_section(page, "Develop")
            page.get_by_role("button", name="Develop at full size").click()
            page.get_by_text("Rendered by").wait_for()
            settle(page)
            page.get_by_text("Rendered by").scroll_into_view_if_needed()
            save(page, folder / f"app-{name}-full-size.png")
        browser.close()


def open_page(browser: Any, address: str, width: int, height: int) -> Any:
    """Open the page with a photograph on it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.locator("input[type=file]").first.set_input_files(PHOTO)
    page.locator(".comparison").wait_for()
    settle(page)
    return page


def open_section(page: Any, name: str) -> None:
    """Open a section under the picture."""
    page.get_by_role("radio", name=name, exact=True).click()
    settle(page)


def settle(page: Any) -> None:
    """Wait until the page has come to rest."""
    page.wait_for_timeout(400)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(800)


def save_below(page: Any, path: Path) -> None:
    """Save what the page shows from the sections on."""
    page.get_by_role("radio", name="Develop", exact=True).scroll_into_view_if_needed()
    page.evaluate(
        "document.querySelector('[data-testid=stMain]').scrollBy(0, "
        "document.querySelectorAll('[role=radiogroup]')[1].getBoundingClientRect().top - 80)"
    )
    page.wait_for_timeout(600)
    save(page, path)


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
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/_stcore/health")
                break
            time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait()


def chromium() -> str | None:
    """The Chromium of this machine; None: Playwright's own."""
    return os.environ.get("PHOS_CHROMIUM") or shutil.which("chromium")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures")
