"""The page in a real Chromium: what a photographer does at it, and what may not happen there."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

pytest.importorskip("phos_app", reason="needs phos-app")
sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
from phos_core.process import Recipe  # noqa: E402
from phos_darkroom import RawSettings, develop_file, frame_seed  # noqa: E402

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
PATIENCE_MS = 120_000  # a busy machine is no fault of the page
ROOT = Path(__file__).parent.parent.parent
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SIZES = [(1280, 720, 1), (1440, 900, 1), (1440, 900, 2), (1920, 1080, 1), (390, 844, 2)]
MARKUP = "<img src=x onerror=document.title='no'>&amp;.jpg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the app would put its temporary files."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def presets_home(tmp_path_factory):
    """Where a user's own presets lie."""
    return tmp_path_factory.mktemp("config")


@pytest.fixture(scope="module")
def address(folder, presets_home):
    """The address of ``phos app``, with its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", str(port)]
    environment = os.environ | {
        "PHOS_BACKEND": "scipy",
        "TMPDIR": str(folder),
        "XDG_CONFIG_HOME": str(presets_home),
        "PYTHONUNBUFFERED": "1",
    }
    log = folder.parent / "app.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield re.search(r"http://\S+", log.read_text())[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
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
def open_page(browser, address):
    """Opens the page as a new visitor has it; it asks nobody else, and nothing goes wrong in it."""
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    contexts, strangers, problems = [], [], []
    ours = (address.partition("?")[0], "data:", "blob:")

    def note(request):
        if not request.url.startswith(ours):
            strangers.append(request.url)

    def opened(viewport=DESKTOP, ratio=1, **more):
        context = browser.new_context(viewport=viewport, device_scale_factor=ratio, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda said: problems.append(said.text) if "Content Security" in said.text else None,
        )
        page.add_init_script(NOTE_SHIFTS)
        page.goto(address)
        page.locator("body.is-ready").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not strangers
    assert not problems


@pytest.fixture
def page(open_page, photo_file):
    """The page with one small photo on it."""
    page = open_page()
    put(page, photo_file)
    return page


@pytest.fixture(scope="module")
def photo_file(photo, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    path.write_bytes(photo)
    return path


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """A landscape of more pixels than most windows have."""
    path = tmp_path_factory.mktemp("large") / "large.jpg"
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((2400, 1600)).save(path, quality=88)
    return path


@pytest.fixture(scope="module")
def upright_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("upright") / "upright.jpg"
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((800, 1200)).save(path, quality=88)
    return path


@pytest.fixture(scope="module")
def roll_files(tmp_path_factory):
    """Three frames, the second of them broken."""
    place = tmp_path_factory.mktemp("roll")
    paths = [place / f"frame-{number}.jpg" for number in (1, 2, 3)]
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        small = picture.resize((300, 200))
    small.save(paths[0])
    paths[1].write_bytes(b"no picture at all")
    small.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[2])
    return paths


NOTE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map((each) => each.node && (each.node.id || each.node.className));
    window.shifts.push([entry.value, moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


# --- what a person does


def put(page, *paths):
    page.locator("#photo-files").set_input_files(paths)
    after(page).wait_for()
    settle(page)


def settle(page):
    """Wait until no render is asked for or on its way, and what came of it is drawn."""
    page.wait_for_timeout(150)
    page.locator("#progress:not(.is-reading)").wait_for(state="attached")
    page.locator("#stage[aria-busy=false]").wait_for(state="attached")
    page.wait_for_timeout(50)


def after(page):
    return page.locator(".pane.after img.whole").first


def shown(page, other_than=None):
    """What is shown after, once it is another than before."""
    if other_than is not None:
        sync_api.expect(after(page)).not_to_have_attribute("src", other_than)
    settle(page)
    return after(page).get_attribute("src")


def film(page, label):
    return page.locator("#films .film", has_text=label)


def open_group(page, control):
    page.locator(f"[data-control={control}]").evaluate("c => c.closest('details').open = true")


def slider(page, control):
    open_group(page, control)
    return page.locator(f"[data-control={control}] input[type=range]")


def number(page, control):
    open_group(page, control)
    return page.locator(f"[data-control={control}] input[type=number]")


def box(locator):
    bounds = locator.bounding_box()
    return bounds["x"], bounds["y"], bounds["x"] + bounds["width"], bounds["y"] + bounds["height"]


def drawn(locator):
    """A picture's own pixels, and the device's pixels that it is drawn on."""
    return locator.evaluate(
        """image => { const box = image.getBoundingClientRect();
        return [image.naturalWidth, image.naturalHeight,
                box.width * devicePixelRatio, box.height * devicePixelRatio]; }"""
    )


def zoom(page):
    return page.evaluate("document.querySelector('[data-zoom][aria-pressed=true]')?.dataset.zoom")


# --- the window


@pytest.mark.parametrize(("width", "height", "ratio"), SIZES)
@pytest.mark.parametrize("kind", ["lying", "upright"])
def test_the_whole_picture_fills_its_room_and_the_buttons_are_in_sight(
    open_page, large_file, upright_file, width, height, ratio, kind
):
    page = open_page({"width": width, "height": height}, ratio)
    put(page, large_file if kind == "lying" else upright_file)
    room = box(page.locator("#stage"))
    picture = box(after(page))
    assert picture[0] >= room[0]
    assert picture[1] >= room[1]
    assert picture[2] <= room[2]
    assert picture[3] <= room[3]
    assert max(
        (picture[2] - picture[0]) / (room[2] - room[0]),
        (picture[3] - picture[1]) / (room[3] - room[1]),
    ) > (0.9 if width > 400 else 0.85)
    pixels = drawn(after(page))
    own = (2400, 1600) if kind == "lying" else (800, 1200)
    assert pixels[0] == pytest.approx(min(own[0], pixels[2]), abs=1)
    assert pixels[1] == pytest.approx(min(own[1], pixels[3]), abs=1)
    for name in ("#develop", "#download"):
        left, top, right, bottom = box(page.locator(name))
        assert min(left, top) >= 0
        assert right <= width
        assert bottom <= height
    overflowing = page.evaluate(
        "document.documentElement.scrollWidth - innerWidth + document.documentElement.scrollHeight"
        " - innerHeight"
    )
    assert overflowing == 0


def test_the_stage_has_most_of_the_window(open_page, photo_file):
    for width, height, share in ((1280, 720, 0.45), (1440, 900, 0.45), (1920, 1080, 0.5)):
        page = open_page({"width": width, "height": height})
        put(page, photo_file)
        left, top, right, bottom = box(page.locator("#stage"))
        assert (right - left) * (bottom - top) / (width * height) > share
        assert top < 60


@pytest.mark.parametrize("ratio", [1, 2])
def test_at_100_percent_a_pixel_of_the_picture_is_one_of_the_screen(open_page, large_file, ratio):
    page = open_page(DESKTOP, ratio)
    put(page, large_file)
    page.get_by_role("button", name="100 %").click()
    closer = page.locator(".pane.after img.window")
    closer.wait_for()
    settle(page)
    natural_cols, natural_rows, cols, rows = drawn(closer)
    assert (natural_cols, natural_rows) == pytest.approx((cols, rows), abs=0.01)
    assert closer.evaluate("i => [i.getBoundingClientRect().x * devicePixelRatio % 1]") == [0]
    room, part = box(page.locator("#stage")), box(closer)
    assert part[0] <= room[0]
    assert part[1] <= room[1]
    assert part[2] >= room[2]
    assert part[3] >= room[3]
    page.get_by_role("button", name="200 %").click()
    settle(page)
    natural_cols, natural_rows, cols, rows = drawn(closer)
    assert (2 * natural_cols, 2 * natural_rows) == pytest.approx((cols, rows), abs=0.01)


def test_a_drag_pans_a_wheel_zooms_at_the_pointer_and_the_divider_stays(open_page, large_file):
    page = open_page()
    put(page, large_file)
    left, top, right, bottom = box(page.locator("#stage"))
    x, y = left + 0.3 * (right - left), top + 0.4 * (bottom - top)
    page.keyboard.press("y")
    page.mouse.dblclick(x, y)
    settle(page)
    assert zoom(page) == "1"
    divider = page.get_by_role("slider", name="Divider between before and after")
    at = divider.get_attribute("aria-valuenow")
    before = box(after(page))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=4)
    page.mouse.up()
    settle(page)
    moved = box(after(page))
    assert (moved[0] - before[0], moved[1] - before[1]) == pytest.approx((-60, -40), abs=1)
    assert divider.get_attribute("aria-valuenow") == at

    def under_pointer():
        a, b, c, d = box(after(page))
        return (x - a) / (c - a), (y - b) / (d - b)

    place = under_pointer()
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    settle(page)
    assert box(after(page))[2] - box(after(page))[0] > moved[2] - moved[0]
    assert under_pointer() == pytest.approx(place, abs=0.003)

    seen = page.locator("#navigator .seen")
    x_of_seen = box(seen)[0]
    navigator = box(page.locator("#navigator"))
    page.mouse.click(navigator[2] - 4, navigator[3] - 4)
    settle(page)
    assert box(seen)[0] > x_of_seen
    page.mouse.dblclick(x, y)
    settle(page)
    assert zoom(page) == "fit"


def test_the_divider_is_dragged_by_its_handle_and_moved_by_keys(page):
    page.get_by_role("button", name="Split").click()
    settle(page)
    divider = page.get_by_role("slider", name="Divider between before and after")
    left, top, right, bottom = box(divider)
    stage = box(page.locator("#stage"))
    assert bottom == pytest.approx(stage[3], abs=1)  # off what one looks at
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    page.mouse.down()
    page.mouse.move(stage[0] + 0.2 * (stage[2] - stage[0]), 300, steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "20"
    divider.press("PageUp")
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "32"
    divider.press("Home")
    assert divider.get_attribute("aria-valuetext") == "0 % before"
    page.locator(".pane.before img.whole").wait_for()


def test_two_fingers_zoom_and_one_pans(open_page, large_file):
    page = open_page(PHONE, 2, has_touch=True)
    put(page, large_file)
    touch = page.context.new_cdp_session(page)
    left, top, right, bottom = box(page.locator("#stage"))
    x, y = (left + right) / 2, (top + bottom) / 2

    def fingers(kind, *points):
        places = [{"x": a, "y": b, "id": i} for i, (a, b) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    whole = box(after(page))
    fingers("touchStart", (x - 40, y), (x + 40, y))
    for apart in (60, 90, 120):
        fingers("touchMove", (x - apart, y), (x + apart, y))
    fingers("touchEnd")
    settle(page)
    closer = box(after(page))
    assert (closer[2] - closer[0]) / (whole[2] - whole[0]) == pytest.approx(3, rel=0.2)
    fingers("touchStart", (x, y))
    fingers("touchMove", (x - 30, y))
    fingers("touchMove", (x - 60, y))
    fingers("touchEnd")
    settle(page)
    assert box(after(page))[0] - closer[0] == pytest.approx(-60, abs=31)


# --- what outlives a reload


def test_the_desk_survives_a_reload_and_going_back_is_harmless(page, photo_file):
    first = shown(page)
    film(page, "Velvia 50").click()
    second = shown(page, other_than=first)
    exposure = slider(page, "exposure_stops")
    exposure.focus()
    for _ in range(5):
        exposure.press("ArrowRight")
    shown(page, other_than=second)
    page.get_by_role("button", name="Split").click()
    settle(page)
    address = page.url
    page.reload()
    after(page).wait_for()
    settle(page)
    assert page.url == address
    assert number(page, "exposure_stops").input_value() == "0.5"
    assert film(page, "Velvia 50").get_attribute("aria-pressed") == "true"
    assert page.get_by_role("button", name="Split").get_attribute("aria-pressed") == "true"
    page.goto("about:blank")
    page.go_back()
    after(page).wait_for()
    settle(page)
    assert page.url == address
    assert number(page, "exposure_stops").input_value() == "0.5"
    page.keyboard.press("Control+z")
    assert number(page, "exposure_stops").input_value() == "0.0"


def test_undo_and_redo_take_settings_back_but_not_the_words_in_a_box(page):
    search = page.get_by_role("searchbox", name="Search films")
    search.fill("velvia")
    search.fill("")
    first = shown(page)
    film(page, "Ektar 100").click()
    second = shown(page, other_than=first)
    number(page, "exposure_stops").fill("1")
    number(page, "exposure_stops").press("Enter")
    third = shown(page, other_than=second)
    search.focus()
    page.keyboard.press("Control+z")  # nothing is typed there: it is the settings' own
    assert search.input_value() == ""
    assert number(page, "exposure_stops").input_value() == "0.0"
    assert shown(page, other_than=third) == second
    page.locator("#stage").focus()
    page.keyboard.press("Control+z")
    assert shown(page, other_than=second) == first
    page.keyboard.press("Shift+Control+z")
    page.keyboard.press("Shift+Control+z")
    assert shown(page, other_than=first) == third
    page.get_by_role("tab", name="History").click()
    steps = page.locator("#history button")
    assert [steps.nth(i).text_content() for i in range(3)] == [
        "Exposure 1.0 EV",
        "Film: Kodak Ektar 100",
        "At first",
    ]
    steps.nth(2).click()
    assert shown(page, other_than=third) == first


def test_a_desk_that_is_gone_says_so_and_offers_a_new_one(open_page, address):
    page = open_page()
    page.goto(address.partition("?")[0] + "desk/nobody")
    sync_api.expect(page.get_by_role("dialog")).to_contain_text("gone")
    page.get_by_role("link", name="Begin a new one").click()
    page.locator("body.is-ready").wait_for()
    assert page.locator("#landing").is_visible()


# --- landing


def test_the_landing_page_says_what_it_is_and_has_an_example(open_page):
    page = open_page()
    assert page.get_by_role("heading", name="phos").is_visible()
    drop = page.get_by_role("button", name="Drop photos here")
    assert drop.bounding_box()["width"] > 500
    assert "missing" not in page.locator("body").inner_text().lower()
    page.get_by_role("button", name="Try an example").click()
    after(page).wait_for()
    assert page.locator("#landing").is_hidden()


def test_a_photo_is_dropped_anywhere(open_page, photo):
    page = open_page()
    page.evaluate(
        """bytes => { const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(bytes)], "dropped.jpg"));
        document.body.dispatchEvent(
          new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true})); }""",
        list(photo),
    )
    after(page).wait_for()
    assert "dropped.jpg" in page.locator("#facts").text_content()


# --- films


def test_films_are_grouped_sorted_by_speed_searched_and_favoured(page):
    assert page.locator("#films h3").all_text_contents() == [
        "Colour negative",
        "Slide",
        "Black and white",
    ]
    for group in page.locator("#films section").all():
        speeds = [int(text.split()[1]) for text in group.locator(".film-iso").all_text_contents()]
        assert speeds == sorted(speeds)
    search = page.get_by_role("searchbox", name="Search films")
    search.fill("portrait")
    assert all(
        "Portra" in t or "Pro" in t for t in page.locator("#films .film-name").all_text_contents()
    )
    search.fill("no such film")
    assert page.locator("#films").inner_text() == "No film is called so."
    search.fill("")
    page.get_by_role("button", name="Favourite: Kodak Tri-X 400").click()
    assert page.locator("#films h3").first.text_content() == "Favourites"
    page.reload()
    page.locator("body.is-ready").wait_for()
    first = page.locator("#films section").first
    assert first.locator(".film-name").all_text_contents() == ["Kodak Tri-X 400"]


def test_a_film_under_the_pointer_is_seen_on_the_picture_itself(page):
    first = shown(page)
    film(page, "Ektar 100").hover()
    preview = shown(page, other_than=first)
    assert "Preview" in page.locator(".cell-tools:visible").inner_text()
    page.mouse.move(700, 400)
    assert shown(page, other_than=preview) == first
    assert not page.get_by_role("button", name="Undo").is_enabled()
    film(page, "Ektar 100").click()
    assert shown(page, other_than=first) == preview


def test_up_to_four_films_lie_side_by_side(page):
    first = shown(page)
    page.get_by_role("button", name="Side by side").click()
    for label in ("Ektar 100", "Velvia 50", "Tri-X 400", "Gold 200"):
        film(page, label).click()
    settle(page)
    cells = page.locator(".cell")
    assert cells.count() == 4
    sync_api.expect(page.locator(".pane.after img.whole")).to_have_count(4)
    boxes = [box(cells.nth(i).locator("img.whole").first) for i in range(4)]
    sizes = {(round(c - a, 1), round(d - b, 1)) for a, b, c, d in boxes}
    assert len(sizes) == 1
    room = box(page.locator("#stage"))
    assert all(
        room[0] <= a and room[1] <= b and c <= room[2] and d <= room[3] for a, b, c, d in boxes
    )
    sources = {cells.nth(i).locator("img.whole").first.get_attribute("src") for i in range(4)}
    assert len(sources) == 4
    page.get_by_role("button", name="Use Fujichrome Velvia 50").click()
    assert shown(page) != first
    assert film(page, "Velvia 50").get_attribute("aria-pressed") == "true"
    assert cells.count() == 1


# --- a roll


def test_a_roll_has_frames_with_badges_an_order_and_settings_for_one_or_all(open_page, roll_files):
    page = open_page()
    put(page, *roll_files)
    frames = page.locator("[data-frame]")
    sync_api.expect(frames).to_have_count(3)
    sync_api.expect(page.locator("#said-text")).to_contain_text("frame-2.jpg")
    assert "Has settings" not in frames.nth(0).get_attribute("aria-label")
    assert frames.nth(1).locator(".badge.failed").count() == 1
    frames.nth(1).click()
    assert "frame-2.jpg" in page.locator("#stage-words").text_content()

    frames.nth(0).click()
    film(page, "Ektar 100").click()
    settle(page)
    page.get_by_text("This frame", exact=True).click()
    number(page, "exposure_stops").fill("1")
    number(page, "exposure_stops").press("Enter")
    settle(page)
    assert frames.nth(0).locator(".badge.own").count() == 1
    page.keyboard.press("Control+c")
    frames.nth(2).click()
    settle(page)
    assert film(page, "Ektar 100").get_attribute("aria-pressed") == "true"
    assert number(page, "exposure_stops").input_value() == "0.0"
    page.locator("#stage").focus()
    page.keyboard.press("Control+v")
    assert number(page, "exposure_stops").input_value() == "1.0"
    page.get_by_role("button", name="As the roll").click()
    assert number(page, "exposure_stops").input_value() == "0.0"
    assert frames.nth(2).locator(".badge.own").count() == 0

    frames.nth(2).focus()
    page.keyboard.press("Alt+ArrowLeft")
    names = page.locator(".frame-name").all_text_contents()
    assert [name.split()[1] for name in names] == ["frame-1.jpg", "frame-3.jpg", "frame-2.jpg"]
    page.keyboard.press("ArrowLeft")
    assert frames.nth(0).get_attribute("aria-current") == "true"
    frames.nth(1).drag_to(frames.nth(0))
    assert "frame-3.jpg" in page.locator(".frame-name").first.text_content()


def test_a_roll_comes_home_as_an_archive_of_its_name_and_says_what_failed(
    open_page, roll_files, tmp_path
):
    page = open_page()
    put(page, *roll_files)
    page.get_by_role("button", name="Export").click()
    page.get_by_label("Name of the roll").fill("Madeira 1")
    page.get_by_role("button", name="Done").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Develop all 2").click()
    assert downloading.value.suggested_filename == "Madeira 1.zip"
    with zipfile.ZipFile(downloading.value.path()) as archive:
        names = archive.namelist()
    assert sum(name.endswith(".jpg") for name in names) == 2
    assert page.locator(".badge.done").count() == 2


# --- histogram


def test_the_histogram_warns_of_what_is_clipped_and_shows_where(open_page, tmp_path):
    codes = np.full((60, 90, 3), 120, np.uint8)
    codes[:, 45:] = 255
    clipped = tmp_path / "clipped.png"
    Image.fromarray(codes).save(clipped)
    page = open_page()
    put(page, clipped)
    film(page, "Velvia 50").click()
    number(page, "exposure_stops").fill("2")
    number(page, "exposure_stops").press("Enter")
    settle(page)
    highlights = page.get_by_role("button", name=re.compile("Highlights clipped"))
    assert float(re.search(r"([\d.]+) %", highlights.get_attribute("aria-label"))[1]) > 20
    histogram = page.locator("#histogram")
    assert box(histogram)[3] < box(page.locator("#controls"))[1]
    highlights.click()
    marks = page.locator("canvas.clipping")
    marks.wait_for()
    shares = marks.evaluate(
        """c => { const {data} = c.getContext("2d").getImageData(0, 0, c.width, c.height);
        let red = 0; for (let i = 0; i < data.length; i += 4) red += data[i + 3] && data[i] == 255;
        return red / (data.length / 4); }"""
    )
    assert shares > 0.2
    highlights.click()
    assert marks.count() == 0


def test_the_films_curve_is_drawn_as_it_is_developed(page):
    page.get_by_text("Film curve", exact=True).click()
    curve = page.get_by_role("img", name=re.compile("Characteristic curve of Kodak Portra 400"))
    curve.wait_for()
    drawn_first = curve.evaluate("c => c.toDataURL()")
    number(page, "push_stops").fill("2")
    number(page, "push_stops").press("Enter")
    for _ in range(200):
        if curve.evaluate("c => c.toDataURL()") != drawn_first:
            return
        page.wait_for_timeout(100)
    pytest.fail("pushing the film changed nothing in its curve")


# --- presets and sliders


def test_a_preset_is_applied_modified_saved_renamed_and_deleted(page):
    first = shown(page)
    page.get_by_role("tab", name="Presets").click()
    page.locator("[data-preset=sun]").click()
    shown(page, other_than=first)
    now = page.locator("#preset-now")
    assert now.text_content() == "sun"
    slider(page, "grain").focus()
    page.keyboard.press("ArrowRight")
    sync_api.expect(now).to_have_text("sun, modified")
    page.get_by_role("button", name="Back to it").click()
    sync_api.expect(now).to_have_text("sun")
    page.get_by_label("Name of the new preset").fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    sync_api.expect(now).to_have_text("mine")
    page.get_by_role("button", name="Rename mine").click()
    page.get_by_label("New name of mine").fill("holiday")
    page.keyboard.press("Enter")
    page.locator("[data-preset=holiday]").wait_for()
    sync_api.expect(now).to_have_text("holiday")
    page.get_by_role("button", name="Delete holiday").click()
    page.get_by_role("button", name="Delete it").click()
    sync_api.expect(page.locator("[data-preset=holiday]")).to_have_count(0)


def test_a_double_click_resets_a_slider_and_numbers_are_typed(page):
    typed = number(page, "contrast")
    typed.fill("1.37")
    typed.press("Enter")
    assert slider(page, "contrast").input_value() == "1.35"  # of its steps
    assert typed.input_value() == "1.37"
    typed.fill("99")
    typed.press("Enter")
    assert typed.input_value() == "2.00"
    slider(page, "contrast").dblclick()
    assert typed.input_value() == "1.00"
    typed.fill("1.2")
    typed.press("Enter")
    typed.fill("")
    typed.press("Enter")
    assert typed.input_value() == "1.00"


def test_a_raw_file_has_controls_of_its_own_that_are_undone_and_come_home(
    open_page, photo_file, raw_file, tmp_path
):
    pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")
    page = open_page()
    put(page, photo_file)
    exposure = page.locator("[data-control=raw_exposure_stops]")
    assert exposure.is_hidden()
    page.locator("#photo-files").set_input_files(raw_file)
    page.locator("#frames [data-frame]", has_text="camera.dng").click()
    first = shown(page)
    assert exposure.is_visible()
    assert page.locator("[data-control=kelvin]").first.is_hidden()
    exposure.locator("input[type=number]").fill("1.5")
    page.keyboard.press("Enter")
    brighter = shown(page, other_than=first)
    page.get_by_label("White balance", exact=True).select_option(label="Temperature …")
    shown(page, other_than=brighter)
    page.locator("#scope-one").check()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Develop", exact=True).click()
    raw = RawSettings(raw_exposure_stops=1.5, white_balance=(5_500.0, 0.0))
    own = tmp_path / "own.tif"
    recipe = Recipe(seed=frame_seed(0, "camera.dng"))
    develop_file(raw_file, own, recipe, raw=raw, backend="scipy")
    assert downloading.value.path().read_bytes() == own.read_bytes()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert shown(page) == first


def test_no_strength_is_the_photo_as_it_came(page):
    number(page, "strength").fill("0")
    number(page, "strength").press("Enter")
    settle(page)
    page.get_by_role("button", name="Split").click()
    page.locator(".pane.before img.whole").wait_for()
    settle(page)
    difference = page.evaluate(
        """() => { const pens = ["after", "before"].map(name => {
          const image = document.querySelector(`.pane.${name} img.whole`);
          const canvas = new OffscreenCanvas(200, 100);
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0, 200, 100);
          return pen.getImageData(0, 0, 200, 100).data; });
        let sum = 0; pens[0].forEach((v, i) => sum += Math.abs(v - pens[1][i]));
        return sum / pens[0].length; }"""
    )
    assert difference < 1.5


def test_words_are_whole_and_no_number_has_decimals_that_it_does_not_need(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    settle(page)
    cut = page.evaluate(
        """[...document.querySelectorAll("label, summary, .caption, .segments button, h3")]
        .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
        .map(e => e.textContent)"""
    )
    assert not cut
    text = page.locator("#workspace").inner_text()
    for old in ("Couplers", "Positive by", "Its sidecar", "Of the film", "120-66", ".00 ISO"):
        assert old not in text
    assert "6×6" in page.locator("[data-control=film_format]").inner_text()
    assert page.locator("[data-control=halation] label").get_attribute("title")


# --- nothing moves


def test_nothing_moves_while_it_renders(open_page, large_file):
    page = open_page()
    put(page, large_file)
    page.wait_for_timeout(1200)
    page.evaluate("window.shifts.length = 0")
    place = box(after(page))
    exposure = slider(page, "exposure_stops")
    page.wait_for_timeout(600)  # opening a group of controls may move what is under it
    page.evaluate("window.shifts.length = 0")
    exposure.focus()
    for _ in range(6):
        exposure.press("ArrowRight")
        page.wait_for_timeout(80)
        assert box(after(page)) == place
    film(page, "Tri-X 400").hover()
    settle(page)
    film(page, "Velvia 50").click()
    settle(page)
    page.get_by_role("button", name="Split").click()
    settle(page)
    assert box(after(page)) == place
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) <= 0.01, shifts


# --- taking home


def test_the_download_is_the_librarys_own_file(page, photo_file, folder, tmp_path):
    first = shown(page)
    film(page, "Gold 200").click()
    shown(page, other_than=first)
    number(page, "exposure_stops").fill("0.5")
    number(page, "exposure_stops").press("Enter")
    settle(page)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Develop", exact=True).click()
    assert downloading.value.suggested_filename == "photo-gold-200.jpg"
    own = tmp_path / "own.jpg"
    recipe = Recipe(film="gold-200", exposure_stops=0.5)
    develop_file(photo_file, own, recipe, backend="scipy", sidecar=False)
    assert Path(downloading.value.path()).read_bytes() == own.read_bytes()
    with page.expect_download() as again:
        page.get_by_role("button", name="Download").click()
    assert Path(again.value.path()).read_bytes() == own.read_bytes()
    with page.expect_download() as sidecar:
        page.get_by_role("button", name="Sidecar").click()
    assert '"gold-200"' in Path(sidecar.value.path()).read_text()


def test_a_long_development_tells_how_far_it_is_and_is_cancelled(open_page, tmp_path):
    path = tmp_path / "large.jpg"
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((7200, 4800)).save(path, quality=80)
    page = open_page()
    put(page, path)
    page.get_by_role("button", name="Develop", exact=True).click()
    words = page.locator("#job-words")
    sync_api.expect(words).to_contain_text(re.compile(r"[1-9]\d* %"))
    other = open_page()
    put(other, tmp_path.parent / other_photo(tmp_path))
    other.get_by_role("button", name="Develop", exact=True).click()
    sync_api.expect(other.locator("#job-words")).to_contain_text(re.compile("Waiting"))
    page.get_by_role("button", name="Cancel", exact=True).click()
    sync_api.expect(words).to_have_text("Cancelled")
    sync_api.expect(other.locator("#job-words")).to_contain_text("small-")


def other_photo(folder):
    path = folder / "small.jpg"
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((300, 200)).save(path)
    return path


def test_a_crop_has_its_ratio_turns_with_the_picture_and_comes_home(page):
    page.get_by_role("button", name="Crop and rotate").click()
    settle(page)
    page.locator("#crop-ratio").select_option("1:1")
    left, top, right, bottom = box(page.locator("#crop-box"))
    assert right - left == pytest.approx(bottom - top, abs=1)
    corner = page.get_by_role("button", name="Bottom right corner")
    a, b, c, d = box(corner)
    page.mouse.move((a + c) / 2, (b + d) / 2)
    page.mouse.down()
    page.mouse.move((a + c) / 2 - 80, (b + d) / 2 - 30, steps=4)
    page.mouse.up()
    left, top, right, bottom = box(page.locator("#crop-box"))
    assert right - left == pytest.approx(bottom - top, abs=1)
    page.locator("#crop-ratio").select_option("3:2")
    page.get_by_role("button", name="Rotate right").click()
    page.get_by_label("Straighten, degrees").fill("2")
    page.keyboard.press("Enter")
    settle(page)
    size = page.locator("#crop-size").text_content()
    page.get_by_role("button", name="Done").click()
    settle(page)
    cols, rows = (int(number) for number in size.split(" × "))
    assert rows / cols == pytest.approx(1.5, rel=0.02)
    picture = drawn(after(page))
    assert picture[3] / picture[2] == pytest.approx(rows / cols, rel=0.01)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Develop", exact=True).click()
    with Image.open(downloading.value.path()) as positive:
        assert positive.size == pytest.approx((cols, rows), abs=1)
    page.keyboard.press("Control+z")
    settle(page)
    turned_back = drawn(after(page))
    assert turned_back[2] > turned_back[3]


def test_a_crop_by_keys_alone(page):
    page.keyboard.press("r")
    page.locator("#crop-ratio").select_option("free")
    page.get_by_role("button", name="Right edge").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    sync_api.expect(page.locator("#crop-size")).to_have_text("378 × 236")
    page.keyboard.press("Escape")
    assert page.locator("#crop-box").is_hidden()
    assert not page.get_by_role("button", name="Undo").is_enabled()


def test_the_export_has_its_size_format_and_sharpness(page, tmp_path):
    page.get_by_role("button", name="Export").click()
    page.get_by_label("Colour space").select_option("rec2100-pq")
    assert page.get_by_label("Format").input_value() == ".avif"
    assert page.locator("#export-format option[value='.tif']").is_disabled()
    page.get_by_label("Colour space").select_option("")
    page.get_by_label("Format").select_option(".tif")
    assert page.locator("#export-quality-row").is_hidden()
    page.get_by_label("Long side").select_option("own")
    page.get_by_label("Pixels").fill("200")
    page.get_by_label("Sharpened for a screen").check()
    page.get_by_role("button", name="Done").click()
    assert page.locator("#export-words").text_content() == "TIFF, 200 px, sharpened"
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Develop", exact=True).click()
    assert downloading.value.suggested_filename.endswith(".tif")
    assert max(tifffile.imread(downloading.value.path()).shape) == 200


# --- keys


def test_everything_has_a_key_and_the_question_mark_shows_them(page):
    first = shown(page)
    page.locator("#stage").focus()
    page.keyboard.press("ArrowDown")
    second = shown(page, other_than=first)
    page.keyboard.press("ArrowUp")
    assert shown(page, other_than=second) == first
    page.keyboard.press("b")
    page.locator(".has-before .pane.before img.whole").wait_for()
    page.keyboard.press("b")
    sync_api.expect(page.locator(".has-before")).to_have_count(0)
    page.keyboard.press("1")
    assert zoom(page) == "1"
    page.keyboard.press("z")
    assert zoom(page) == "fit"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "film-search"
    page.keyboard.type("velvia")
    page.keyboard.press("Enter")
    shown(page, other_than=first)
    assert film(page, "Velvia 50").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    page.locator("#stage").focus()
    page.keyboard.press("f")
    assert page.locator("header").is_hidden()
    page.keyboard.press("Escape")
    assert page.locator("header").is_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    for words in ("Undo", "Next frame", "Next film", "Before, and back", "Fit or 100 %"):
        assert words in keys.inner_text()
    page.keyboard.press("?")
    assert not keys.is_visible()


def test_tab_goes_through_the_page_in_its_order_and_is_seen(page):
    page.locator(".logo").click()  # it begins there
    order = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const e = document.activeElement;
            const style = getComputedStyle(e);
            const part = e.closest("header, #left, #stage-place, #right, #roll, #take-home");
            const isSeen = style.outlineStyle !== "none" || e.type === "range";
            return part && [part.id || "header", isSeen]; }"""
        )
        if focused is None:
            break
        assert focused[1], page.evaluate("document.activeElement.outerHTML")
        if not order or order[-1] != focused[0]:
            order.append(focused[0])
    assert order == ["header", "left", "stage-place", "right", "roll", "take-home"]


# --- a phone


def test_on_a_phone_the_picture_is_above_and_the_controls_in_a_sheet_below(open_page, photo_file):
    page = open_page(PHONE, 2, has_touch=True)
    put(page, photo_file)
    stage = box(page.locator("#stage"))
    assert stage[3] - stage[1] > 200
    for name, panel in (("Films", "#left"), ("Adjust", "#right"), ("Roll", "#roll")):
        tab = page.locator("#sheet-tabs").get_by_role("button", name=name)
        if tab.get_attribute("aria-pressed") != "true":
            tab.tap()
        sheet = box(page.locator(panel))
        assert sheet[1] >= stage[3] - 1, name
        assert sheet[3] <= box(page.locator("#take-home"))[1] + 1
        assert sheet[2] <= PHONE["width"]
    first = shown(page)
    page.locator("#sheet-tabs").get_by_role("button", name="Films").tap()
    film(page, "Velvia 50").tap()
    shown(page, other_than=first)
    page.locator("#sheet-tabs").get_by_role("button", name="Films").tap()  # puts it away
    settle(page)
    grown = box(page.locator("#stage"))
    assert grown[3] - grown[1] > stage[3] - stage[1] + 100
    assert page.get_by_role("button", name="Develop", exact=True).is_visible()


# --- for everyone, and for nobody else


def faults(page):
    """What axe-core calls serious or worse."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    found = axe.Axe().run(page).response["violations"]
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:4])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_serious_fault(open_page, roll_files, viewport):
    page = open_page(viewport)
    assert not faults(page)
    put(page, *roll_files)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    settle(page)
    assert not faults(page)
    if viewport is PHONE:
        page.locator("#sheet-tabs").get_by_role("button", name="Adjust").click()
        assert not faults(page)
        return
    for tab in ("Presets", "History"):
        page.get_by_role("tab", name=tab).click()
        assert not faults(page), tab
    for key in ("e", "?"):
        page.locator("#stage").focus()
        page.keyboard.press(key)
        assert not faults(page), key
        page.keyboard.press("Escape")
    page.get_by_role("button", name="What computes").click()
    page.locator("#backends-list li").first.wait_for()
    assert not faults(page)
    page.keyboard.press("Escape")
    page.locator("#stage").focus()
    page.keyboard.press("s")
    settle(page)
    assert not faults(page)
    page.keyboard.press("s")
    page.keyboard.press("r")
    settle(page)
    assert not faults(page)


def test_the_name_of_a_file_is_shown_as_text(open_page, photo):
    page = open_page()
    page.locator("#photo-files").set_input_files(
        {"name": MARKUP, "mimeType": "image/jpeg", "buffer": photo}
    )
    after(page).wait_for()
    settle(page)
    assert MARKUP in page.locator("#facts").text_content()
    assert MARKUP in page.title()
    assert page.locator("img[src=x]").count() == 0


def test_eight_windows_at_once_get_their_own_pictures(open_page, tmp_path):
    pages = []
    for shade in range(8):
        path = tmp_path / f"shade-{shade}.png"
        Image.fromarray(np.full((40, 60, 3), 20 + 28 * shade, np.uint8)).save(path)
        page = open_page()
        page.locator("#photo-files").set_input_files(path)
        pages.append(page)
    means = []
    for page in pages:
        after(page).wait_for()
        means.append(
            after(page).evaluate(
                """image => { const pen = new OffscreenCanvas(1, 1).getContext("2d");
                pen.drawImage(image, 0, 0, 1, 1); return pen.getImageData(0, 0, 1, 1).data[1]; }"""
            )
        )
    assert means == sorted(means)
    assert means[-1] - means[0] > 100


def test_the_backend_is_chosen_in_plain_words(page):
    page.get_by_role("button", name="What computes").click()
    dialog = page.get_by_role("dialog", name="What computes")
    dialog.get_by_role("radio", name="Automatic").wait_for()
    assert dialog.get_by_role("radio", name="Automatic").is_checked()
    dialog.get_by_role("radio", name=re.compile("scipy")).check()
    with contextlib.suppress(Exception):
        dialog.get_by_role("button", name="Close").click()
    settle(page)
    assert "scipy" in page.locator("#ran").text_content()
