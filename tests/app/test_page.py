"""The page without a browser: Streamlit's own AppTest runs it."""

import base64
import io
import json
import logging
import struct
import zlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("phos_app", reason="needs phos-app")
pytest.importorskip("streamlit", reason="needs Streamlit")
from streamlit.testing.v1 import AppTest

import phos_core as phos
from phos_app import limits, page
from phos_app.desk import Desk
from phos_app.looks import CONTROLS, described
from phos_app.positives import positive_of
from phos_app.uploads import Upload
from phos_app.words import plain
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import DeviceLostError
from phos_core.process.recipe import Recipe
from phos_darkroom.files.image_files import write_picture
from phos_darkroom.files.picture import Picture

HEIC = Path(__file__).parent.parent / "data"
START = files("phos_app").joinpath("script", "start.py")


@pytest.fixture(autouse=True)
def computing_by_scipy(monkeypatch):
    """What every machine has."""
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    logging.getLogger("streamlit").setLevel(logging.ERROR)


@pytest.fixture
def opened(photo):
    """The page with a photograph on it."""
    return with_files(new_page(), ("photo.jpg", photo))


def new_page():
    return AppTest.from_file(str(START), default_timeout=600).run()


def with_files(test, *named):
    uploads = [(name, content, "application/octet-stream") for name, content in named]
    return test.file_uploader(key="uploads").set_value(uploads).run()


def control(test, kind, name):
    return getattr(test, kind)(key=f"control:{name}")


def go_to(test, section):
    return test.button_group(key="section").set_value(section).run()


def comparison(test):
    """What the comparison was given."""
    assert not test.exception
    (element,) = test.get("bidi_component")
    return json.loads(element.proto.json)


def pixels(url):
    kind, _, content = url.partition(";base64,")
    assert kind.startswith("data:image/")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def shown_for(photo, recipe):
    desk = Desk()
    return desk.preview(desk.open(Upload("1", "photo.jpg", photo)), recipe, "scipy").after


def test_the_page_opens_and_says_what_to_do():
    test = new_page()
    assert not test.exception
    assert not test.error
    assert "Drop a photograph" in test.info[0].value


def test_the_controls_are_labelled_and_explained_as_the_settings_are_described():
    test = new_page()
    control(test, "selectbox", "light").set_value("temperature")
    control(test, "selectbox", "printing").set_value("endura-premier")
    test.run()
    shown, wrong = set(), []
    for widget in (*test.slider, *test.number_input, *test.selectbox, *test.checkbox):
        name = str(widget.key).removeprefix("control:")
        if name in ("film", "preset", "printing"):
            continue  # these name what is on the page, not a command
        setting, is_number = described(name), widget.type in ("slider", "number_input")
        shown.add(name)
        if widget.help != plain(setting.meaning):
            wrong.append((name, widget.help))
        if setting.unit and is_number and not widget.label.endswith(f", {setting.unit}"):
            wrong.append((name, widget.label))
        if widget.type == "number_input" and (widget.placeholder or "") != setting.unset:
            wrong.append((name, widget.placeholder))
    assert wrong == []
    left_out = {"scanner", "contrast", "paper_grade"}  # of a scan, and of black-and-white paper
    assert shown | {"film", "printing"} == CONTROLS.keys() - left_out


def test_a_photograph_is_shown_before_and_after(opened, photo):
    shown = comparison(opened)
    assert pixels(shown["before"]).shape == (236, 420, 3)
    assert shown["after"] == shown_for(photo, Recipe())
    assert shown["after_label"] == "Kodak Portra 400"


def test_film_and_exposure_change_what_is_after_and_not_what_is_before(opened, photo):
    before = comparison(opened)["before"]
    control(opened, "selectbox", "film").set_value("velvia-50")
    control(opened, "slider", "exposure_stops").set_value(0.7)
    shown = comparison(opened.run())
    assert shown["before"] == before
    assert shown["after"] == shown_for(photo, Recipe(film="velvia-50", exposure_stops=0.7))


def test_another_film_with_another_range_of_pushing_keeps_the_push(opened, photo):
    control(opened, "slider", "push_stops").set_value(0.5).run()
    control(opened, "selectbox", "film").set_value("tri-x-400").run()
    assert control(opened, "slider", "push_stops").value == 0.5
    shown = comparison(opened)
    assert shown["after"] == shown_for(photo, Recipe(film="tri-x-400", push_stops=0.5))


def test_a_push_that_is_estimated_is_called_so(opened):
    assert any("estimated" in caption.value for caption in opened.caption)
    control(opened, "selectbox", "film").set_value("tri-x-400").run()
    assert not any("estimated" in caption.value for caption in opened.caption)


def test_the_controls_of_a_scan_act_on_the_positive(opened, photo):
    control(opened, "selectbox", "scanner").set_value("drum")
    control(opened, "slider", "contrast").set_value(1.2)
    control(opened, "slider", "red").set_value(10.0)
    control(opened, "slider", "brightness_stops").set_value(0.5)
    control(opened, "checkbox", "lab_correction").set_value(False)
    recipe = Recipe(
        scanner="drum",
        contrast=1.2,
        balance_cc=(10.0, 0.0, 0.0),
        brightness_stops=0.5,
        lab_correction=False,
    )
    assert comparison(opened.run())["after"] == shown_for(photo, recipe)


def test_two_sessions_get_their_own_pictures(photo, deep):
    first = with_files(new_page(), ("photo.jpg", photo))
    second = with_files(new_page(), ("photo.jpg", photo))
    control(first, "selectbox", "film").set_value("tri-x-400").run()
    control(second, "slider", "exposure_stops").set_value(1.0).run()
    assert comparison(first)["after"] == shown_for(photo, Recipe(film="tri-x-400"))
    assert comparison(second)["after"] == shown_for(photo, Recipe(exposure_stops=1.0))
    with_files(second, ("ramp.tif", deep))
    assert pixels(comparison(second)["before"]).shape == (64, 96, 3)
    assert pixels(comparison(first.run())["before"]).shape == (236, 420, 3)
    third = new_page()
    assert control(third, "selectbox", "film").value == "portra-400"
    assert not third.get("bidi_component")


def test_the_positive_is_the_librarys_own(opened, photo):
    control(opened, "selectbox", "film").set_value("gold-200").run()
    opened.button(key="develop").click().run()
    button = opened.download_button(key="download")
    own = positive_of(Upload("1", "photo.jpg", photo), Recipe(film="gold-200"), backend="scipy")
    assert "photo\\-gold\\-200\\.jpg" in button.label
    assert opened.session_state["positive"][1].content == own.content
    control(opened, "slider", "exposure_stops").set_value(1.0).run()
    assert not [b for b in opened.download_button if b.key == "download"]
    assert any("have changed" in caption.value for caption in opened.caption)


def test_a_roll_is_developed_and_one_that_is_broken_is_named(opened, photo):
    with_files(opened, ("a.jpg", photo), ("b.jpg", photo), ("c.jpg", photo[:2000]))
    assert not opened.exception
    opened.button(key="develop_roll").click().run()
    assert not opened.exception
    assert [error.value for error in opened.error if "c\\.jpg" in error.value]
    assert "2 pictures" in opened.download_button(key="download_roll").label


def test_a_telephones_heic_comes_out_as_a_tiff():
    pytest.importorskip("pi_heif", reason="the extra phos-darkroom[heif] is not installed")
    test = with_files(new_page(), ("IMG_1.HEIC", (HEIC / "turned.heic").read_bytes()))
    assert comparison(test)["after"]
    test.button(key="develop").click().run()
    assert not test.exception
    assert test.session_state["positive"][1].name == "IMG_1-portra-400.tif"


def test_scene_light_of_an_exr_is_developed_as_light(tmp_path):
    pytest.importorskip("OpenImageIO", reason="the extra phos-darkroom[exr] is not installed")
    light = np.full((40, 60, 3), 0.18, np.float32)
    write_picture(tmp_path / "scene.exr", Picture(pixels=light, encoding="linear"))
    test = with_files(new_page(), ("scene.exr", (tmp_path / "scene.exr").read_bytes()))
    grey = pixels(comparison(test)["after"]).mean(axis=(0, 1))
    assert np.abs(grey - 118).max() < 4  # mid-grey in sRGB codes


def test_every_section_opens(opened):
    for section in ("Films", "Curves", "Settings", "Backends", "Develop"):
        go_to(opened, section)
        assert not opened.exception, section
        assert not opened.error, section


def test_a_film_is_picked_by_its_thumbnail(opened):
    go_to(opened, "Films")
    opened.button(key="film:velvia-50").click().run()
    assert control(opened, "selectbox", "film").value == "velvia-50"
    assert comparison(opened)["after_label"] == "Fujichrome Velvia 50"


def test_a_preset_sets_the_controls_and_leaves_the_seed(opened):
    control(opened, "number_input", "seed").set_value(9).run()
    opened.selectbox(key="preset").set_value("cinema").run()
    assert not opened.exception
    assert control(opened, "selectbox", "film").value == "vision3-500t"
    assert control(opened, "selectbox", "film_format").value == "super-35"
    assert control(opened, "number_input", "seed").value == 9


def test_settings_go_home_and_come_back(opened):
    control(opened, "selectbox", "film").set_value("tri-x-400").run()
    control(opened, "slider", "exposure_stops").set_value(-0.5).run()
    go_to(opened, "Settings")
    text = b'phos_preset = 2\n[settings]\nfilm = "ektar-100"\ngrain = 0.5\nexposure_stops = 9.0\n'
    opened.file_uploader(key="settings_file").set_value(("x.toml", text, "text/plain")).run()
    assert not opened.exception
    assert control(opened, "selectbox", "film").value == "ektar-100"
    assert control(opened, "slider", "grain").value == 0.5
    assert control(opened, "slider", "exposure_stops").value == 5.0
    assert "exposure\\_stops goes from" in opened.warning[0].value


def test_settings_that_are_wrong_are_a_message(opened):
    go_to(opened, "Settings")
    text = b'[settings]\nfilm = "../../etc/passwd.toml"\n'
    opened.file_uploader(key="settings_file").set_value(("x.toml", text, "text/plain")).run()
    assert not opened.exception
    assert "file of its own" in opened.warning[0].value


def test_100_percent_shows_pixels_as_they_are(opened):
    opened.button_group(key="view").set_value(page.FULL_SIZE).run()
    shown = comparison(opened)
    assert shown["full_size"]
    assert pixels(shown["after"]).shape == (236, 420, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a nothing", b"\xff\xd8\xff" + bytes(999)])
def test_a_malformed_upload_is_a_message(opened, content):
    with_files(opened, ("![x](http://example.org/x.png)", content))
    assert not opened.exception
    (error,) = opened.error
    assert error.value.startswith("\\!\\[x\\]")
    assert not opened.get("bidi_component")


def test_a_picture_of_200_megapixels_is_a_message(opened):
    """A whole and honest PNG, black, of less than a megabyte."""
    rows, cols = 10_000, 20_000
    packer = zlib.compressobj(1)
    row = bytes(1 + cols)
    pixels_packed = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", pixels_packed), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
    with_files(opened, ("huge.png", content))
    assert not opened.exception
    (error,) = opened.error
    assert error.value.startswith(plain("huge.png claims 20000 by 10000 pixels"))


def test_too_many_uploads_are_a_message(opened, monkeypatch, photo):
    monkeypatch.setattr("phos_app.uploads.PICTURES", 1)
    with_files(opened, ("a.jpg", photo), ("b.jpg", photo))
    assert not opened.exception
    assert "1 pictures at most" in opened.error[0].value
    assert limits.PICTURES > 1


@pytest.fixture(params=["not installed", "unknown"])
def dead(request):
    """A backend that cannot run here."""
    if request.param == "unknown":
        return "nonsense"
    names = [report.name for report in phos.backends() if report.status != "ok"]
    if not names:
        pytest.skip("every backend that there is runs here")
    return names[0]


def test_a_dead_backend_is_a_message(photo, monkeypatch, dead):
    monkeypatch.setenv("PHOS_BACKEND", dead)
    test = with_files(new_page(), ("photo.jpg", photo))
    assert not test.exception
    assert plain(dead) in test.error[0].value
    go_to(test, "Backends")
    assert not test.exception
    test.radio(key="backend").set_value("scipy").run()
    assert not test.error
    assert test.get("bidi_component")


def test_a_backend_that_was_chosen_stays_chosen_and_is_never_replaced_unasked(opened, monkeypatch):
    go_to(opened, "Backends")
    opened.radio(key="backend").set_value("scipy").run()
    go_to(opened, "Develop")
    control(opened, "slider", "exposure_stops").set_value(1.0).run()
    monkeypatch.setenv("PHOS_BLOCK", "scipy")
    monkeypatch.delenv("PHOS_BACKEND")
    control(opened, "slider", "exposure_stops").set_value(2.0).run()
    assert not opened.exception
    assert "scipy" in opened.error[0].value
    go_to(opened, "Backends")
    assert opened.radio(key="backend").value == "scipy"


@pytest.mark.filterwarnings("ignore::phos_core.errors.BackendFallbackWarning")
def test_a_fallback_is_told_in_words(photo, one_after_the_other):
    class Lost(ScipyBackend):
        name = "lost"

        def convolve_into(self, *_, **__):
            raise DeviceLostError("the device is gone")

    one_after_the_other(Lost(), ScipyBackend())
    test = with_files(new_page(), ("photo.jpg", photo))
    assert not test.exception
    assert "Rendered by scipy" in test.warning[0].value
    assert "the device is gone" in test.warning[0].value


def test_controls_that_were_hidden_come_back_as_they_were(opened):
    control(opened, "selectbox", "printing").set_value("endura-premier").run()
    control(opened, "slider", "yellow").set_value(20.0).run()
    control(opened, "selectbox", "film").set_value("velvia-50").run()
    assert not opened.exception
    control(opened, "selectbox", "film").set_value("portra-400").run()
    control(opened, "selectbox", "printing").set_value("endura-premier").run()
    assert control(opened, "slider", "yellow").value == 20.0
