"""What the tests of the app share: uploads, small and real."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
TOKEN = "of-this-test"
ADDRESS = "http://127.0.0.1:8501"


@pytest.fixture(scope="session")
def photo():
    """A photograph as a JPEG of a hundred thousand pixels."""
    stream = io.BytesIO()
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((420, 236)).save(stream, "JPEG", quality=92)
    return stream.getvalue()


@pytest.fixture(scope="session")
def deep():
    """A grey ramp as a TIFF of 16 bits, each row a little brighter."""
    ramp = np.linspace(2_000, 60_000, 96, dtype=np.uint16)
    codes = np.repeat((ramp + np.arange(64, dtype=np.uint16)[:, None])[..., None], 3, axis=2)
    stream = io.BytesIO()
    tifffile.imwrite(stream, codes, photometric="rgb")
    return stream.getvalue()


@pytest.fixture(scope="session")
def raw_file(tmp_path_factory):
    """A DNG of a camera that sees linear sRGB: noise around a grey."""
    codes = np.random.default_rng(7).integers(5_000, 9_000, (48, 64)).astype(np.uint16)
    matrix = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),
        (33421, "H", 2, (2, 2)),
        (33422, "B", 4, (0, 1, 1, 2)),
        (50721, "2i", 9, [part for number in matrix for part in (round(number * 1e4), 10_000)]),
        (50778, "H", 1, 21),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 1)),  # AsShotNeutral
        (50717, "I", 1, 65_535),
    ]
    path, tags = tmp_path_factory.mktemp("raw") / "camera.dng", [(*tag, True) for tag in tags]
    tifffile.imwrite(path, codes, photometric=32803, extratags=tags, metadata=None)
    return path


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The server's application, its folder and the user's presets in folders of the test's own."""
    pytest.importorskip("phos_app", reason="needs phos-app")
    from phos_app.serving import application

    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path / "presets"))
    (tmp_path / "app").mkdir()
    return application(tmp_path / "app", TOKEN)


@pytest.fixture
def stranger(app):
    """A client that has not brought the token."""
    testclient = pytest.importorskip("starlette.testclient", reason="needs httpx2")
    with testclient.TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser_of(stranger):
    """A client as a browser is: with the cookie that the token brings."""
    assert stranger.get(f"/?token={TOKEN}").status_code == 303
    return stranger


@pytest.fixture
def new_window(browser_of):
    """Makes windows, each with a desk."""
    return lambda: Window(browser_of)


@pytest.fixture
def window(new_window):
    """A window with a desk."""
    return new_window()


class Window:
    """What a window asks of the server."""

    def __init__(self, client):
        self.client = client
        self.desk = client.get("/").headers["location"].rpartition("/")[2]
        self.path = f"/api/desks/{self.desk}"

    def add(self, content, name="photo.jpg"):
        return self.client.post(f"{self.path}/frames", content=content, headers={"X-Name": name})

    def frame(self, content, name="photo.jpg"):
        return self.add(content, name).json()["id"]

    def render(self, frame, **asked):
        view = {"kind": "fit", "cols": 200, "rows": 200}
        return self.client.post(
            f"{self.path}/render", json={"frame": frame, "settings": {}, "view": view} | asked
        )

    def pixels(self, frame, **asked):
        answer = self.render(frame, **asked)
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as picture:
            return np.asarray(picture)

    def begin(self, *frames, **asked):
        orders = [{"frame": frame, "settings": {}} | own for frame, own in frames]
        answer = self.client.post(f"{self.path}/jobs", json={"frames": orders} | asked)
        assert answer.status_code == 201, answer.text
        return answer.json()["job"]

    def events(self, job):
        with self.client.stream("GET", f"/api/jobs/{job}/events") as answer:
            return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data")]

    def document(self):
        return self.client.get(self.path).json()
