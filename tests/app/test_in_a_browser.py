"""The whole way, in a real Chromium: ``phos app``, a photograph in, a positive out."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
from phos_core.process.recipe import Recipe  # noqa: E402
from phos_darkroom.one_file import develop_file  # noqa: E402

CHROMIUM = os.environ.get("PHOS_CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium: on the PATH or PHOS_CHROMIUM"),
    pytest.mark.filterwarnings("default"),  # a browser's driver has warnings of its own
]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 300_000  # a busy machine is no fault of the page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the app would put its temporary files."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """The address of ``phos app``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", str(port)]
    no_way_out = tmp_path_factory.mktemp("no-way-out")
    (no_way_out / "sitecustomize.py").write_text(NO_WAY_OUT)
    paths = [str(no_way_out), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "PHOS_BACKEND": "scipy",
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    log = folder.parent / "app.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/_stcore/health").close()
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.25)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(300)
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """The page as a new visitor has it; it asks nobody but this machine for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    strangers, problems = [], []
    page.on("request", lambda request: note_stranger(request.url, address, strangers))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert not strangers
    assert not problems


@pytest.fixture(scope="module")
def photo_file(photo, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    path.write_bytes(photo)
    return path


def note_stranger(url, address, strangers):
    ours = (address, address.replace("http", "ws", 1), "data:", "blob:")
    if not url.startswith(ours):
        strangers.append(url)


def settle(page):
    """Let the page's script finish; what has to have come of it is waited for by name."""
    page.wait_for_timeout(300)
    page.locator('[data-testid=stApp][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_timeout(300)


def put(page, path):
    page.locator("input[type=file]").first.set_input_files(path)
    page.locator(".comparison").wait_for()
    settle(page)


def pick_film(page, label):
    page.get_by_role("combobox", name="Film").fill(label)
    page.get_by_role("option", name=label).click()
    sync_api.expect(page.locator(".of-after")).to_have_text(label.partition(",")[0])
    settle(page)


def picture_after(page, other_than=None):
    """The positive that is shown, once it is another than before."""
    shown = page.locator("img.after")
    if other_than is not None:
        sync_api.expect(shown).not_to_have_attribute("src", other_than)
    return shown.get_attribute("src")


def expect_line_at(page, percent, within=0):
    """Wait until the line between before and after stands there."""
    allowed = "|".join(str(at) for at in range(percent - within, percent + within + 1))
    line = page.locator(".divider")
    sync_api.expect(line).to_have_attribute("aria-valuenow", re.compile(rf"^({allowed})(\.\d*)?$"))


def test_a_photograph_goes_in_and_the_librarys_own_positive_comes_out(
    page, photo_file, folder, tmp_path
):
    put(page, photo_file)
    first = picture_after(page)
    pick_film(page, "Kodak Gold 200, ISO 200")
    on_gold = picture_after(page, other_than=first)

    exposure = page.get_by_role("slider", name="Exposure, stops")
    exposure.focus()
    for _ in range(5):
        exposure.press("ArrowRight")
    settle(page)
    picture_after(page, other_than=on_gold)

    page.get_by_role("radio", name="Backends").click()
    page.get_by_test_id("stRadio").get_by_text("scipy", exact=True).click()
    settle(page)
    page.get_by_role("radio", name="Develop", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Develop at full size").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download photo-gold-200.jpg").click()
    assert downloading.value.suggested_filename == "photo-gold-200.jpg"

    own = tmp_path / "own.jpg"
    develop_file(
        photo_file, own, Recipe(film="gold-200", exposure_stops=0.5), backend="scipy", sidecar=False
    )
    assert Path(downloading.value.path()).read_bytes() == own.read_bytes()
    assert not list(folder.glob("phos-app-*"))


def test_the_line_is_dragged_by_a_mouse_moved_by_keys_and_stays(page, photo_file):
    put(page, photo_file)
    box = page.locator(".comparison").bounding_box()
    expect_line_at(page, 50)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 80, steps=5)
    page.mouse.up()
    expect_line_at(page, 20, within=1)
    settle(page)
    divider = page.locator(".divider")
    divider.press("ArrowRight")
    divider.press("PageUp")
    expect_line_at(page, 32, within=1)
    divider.press("Home")
    expect_line_at(page, 0)
    divider.press("End")
    expect_line_at(page, 100)
    divider.press("PageDown")
    settle(page)
    pick_film(page, "Ilford HP5 Plus, ISO 400")
    expect_line_at(page, 90)


def test_the_line_is_dragged_by_a_finger(browser, address, photo_file):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    put(page, photo_file)
    box = page.locator(".comparison").bounding_box()
    touch = context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2

    def finger(kind, share):
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", 0.5)
    for share in (0.6, 0.7, 0.8):
        finger("touchMove", share)
    finger("touchEnd", None)
    expect_line_at(page, 80, within=2)
    context.close()


def test_a_double_click_shows_the_place_at_100_percent(page, photo_file):
    put(page, photo_file)
    page.locator(".comparison").dblclick(position={"x": 200, "y": 100})
    page.locator(".comparison.full-size").wait_for()
    settle(page)
    assert page.get_by_role("slider", name="Left to right").is_visible()
    drawn = page.locator("img.after").evaluate("i => [i.naturalWidth, i.naturalHeight]")
    assert drawn == [420, 236]


def test_two_visitors_at_once_get_their_own_pictures(browser, page, address, photo_file):
    put(page, photo_file)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    other = context.new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(address)
    put(other, photo_file)
    same = picture_after(page)
    assert picture_after(other) == same
    pick_film(other, "Fujichrome Velvia 50, ISO 50")
    picture_after(other, other_than=same)
    page.reload()
    put(page, photo_file)
    assert picture_after(page) == same
    context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_window(browser, address, photo_file, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    put(page, photo_file)
    for section in ("Films", "Curves", "Settings", "Backends", "Develop"):
        page.get_by_role("radio", name=section, exact=True).click()
        settle(page)
        wide = page.evaluate(
            "[...document.querySelectorAll('[data-testid=stMain] *')].filter(e => {"
            "const box = e.getBoundingClientRect();"
            "return box.width && box.height && box.right > innerWidth + 1}).map(e => e.outerHTML"
            ".slice(0, 120))"
        )
        assert not wide, section
    context.close()


NO_WAY_OUT = """
import socket
connect = socket.socket.connect

def refuse(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
        print("ASKS OUTSIDE", address, flush=True)
        raise OSError("there is no way out")
    return connect(self, address)

socket.socket.connect = refuse
find = socket.getaddrinfo

def find_here(host, *others, **named):
    if host not in (None, "127.0.0.1", "localhost", "::1", ""):
        print("ASKS OUTSIDE", host, flush=True)
        raise OSError("there is no way out")
    return find(host, *others, **named)

socket.getaddrinfo = find_here
"""


def knock(address, **headers):
    """The first line that the server answers to a WebSocket's request with these headers."""
    port = int(address.rpartition(":")[2])
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    request = [
        "GET /_stcore/stream HTTP/1.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *lines,
    ]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(("\r\n".join(request) + "\r\n\r\n").encode())
        return connection.recv(200).partition(b"\r\n")[0].decode()


def test_only_the_page_itself_gets_in_and_nobody_outside_is_asked_who_knocks(address, folder):
    port = address.rpartition(":")[2]
    own = f"127.0.0.1:{port}"
    assert knock(address, Host=own, Origin=f"http://{own}").endswith("101 Switching Protocols")
    for headers in (
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        {"Host": own, "Origin": "https://some.website.example"},
        {"Host": own, "Origin": "http://127.0.0.1:1"},
        {"Host": own, "Origin": f"https://{own}"},
        {"Host": own, "Origin": f"http://localhost:{port}"},
        {"Host": own, "Origin": "null"},
        {"Host": "[::", "Origin": "http://[::"},
        {"Origin": f"http://{own}"},
    ):
        assert " 403 " in knock(address, **headers) or " 400 " in knock(address, **headers), headers
    assert "ASKS OUTSIDE" not in (folder.parent / "app.log").read_text()


def test_the_browser_is_told_to_ask_nobody_else_and_to_frame_it_nowhere(address):
    with urllib.request.urlopen(address) as answer:
        policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    foreign = urllib.request.Request(address, headers={"Origin": "https://some.website.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign)


@pytest.mark.skipif(sys.platform != "linux", reason="needs an address beside 127.0.0.1")
def test_it_listens_to_one_address_alone(address):
    port = int(address.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2)
