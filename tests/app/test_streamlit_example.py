"""The example of a page in Streamlit, by Streamlit's own tests."""

from pathlib import Path

import pytest

testing = pytest.importorskip("streamlit.testing.v1", reason="needs Streamlit")
pytestmark = pytest.mark.filterwarnings("default")  # a library's own

PAGE = Path(__file__).parent.parent.parent / "examples/streamlit_page.py"
PATIENCE_S = 300


@pytest.fixture
def page():
    return testing.AppTest.from_file(str(PAGE), default_timeout=PATIENCE_S).run()


def test_the_page_asks_for_a_photograph_and_tells_what_can_compute(page):
    assert not page.exception
    assert [info.value for info in page.info] == ["Choose a photograph."]
    assert any(text.value.startswith("scipy: ok") for text in page.text)
    assert page.toggle[0].label == "Use the GPU"


def test_a_photograph_is_developed_on_the_film_that_is_chosen(page, photo):
    page.file_uploader[0].upload("photo.jpg", photo, "image/jpeg").run()
    page.selectbox[0].select("tri-x-400").run()
    assert not page.exception
    assert not page.info
    assert "scipy on cpu" in page.caption[-1].value
    assert page.metric[0].label == "Free memory"
