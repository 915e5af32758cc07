"""``phos app`` as its user starts it: a process, its address, and what it leaves behind."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")

PATIENCE_S = 300  # a busy machine is no fault of the server


@pytest.fixture
def place(tmp_path):
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@contextlib.contextmanager
def started(place, *arguments):
    """A server, its port and its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", str(port)]
    environment = os.environ | {"TMPDIR": str(place), "PHOS_BACKEND": "scipy"}
    with subprocess.Popen(
        [*command, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            address = next(word for word in process.stdout.readline().split() if "://" in word)
            wait_for(port)
            yield process, port, address.partition("token=")[2]
        finally:
            process.kill()


def wait_for(port):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            ask(port, "/")
            return
        time.sleep(0.05)
    pytest.fail("nobody answers")


def ask(port, path, **headers):
    """The headers of an answer, and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()


def enter(port, token):
    return ask(port, f"/?token={token}")[0].getheader("set-cookie").partition(";")[0]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_at_the_end_the_folder_is_gone(place, name):
    with started(place) as (process, _, _):
        (folder,) = place.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        process.send_signal(getattr(signal, name))
        assert process.wait(PATIENCE_S) == 0
        assert "Traceback" not in process.stdout.read()
    assert not list(place.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_what_a_killed_server_left_goes_at_the_next_start_and_a_living_ones_stays(place):
    with started(place) as (killed, _, _):
        killed.kill()
        killed.wait()
    (left,) = place.iterdir()
    (place / "phos-app-of-somebody").write_text("a file, not a folder of ours")
    with started(place) as (living, _, _):
        assert not left.exists()
        (own,) = [path for path in place.iterdir() if path.is_dir()]
        with started(place) as (second, _, _):
            assert own.exists()
            second.terminate()
            second.wait(PATIENCE_S)
        assert own.exists()
        living.terminate()
        living.wait(PATIENCE_S)
    assert [path.name for path in place.iterdir()] == ["phos-app-of-somebody"]


def test_pictures_that_are_named_lie_on_the_first_desk(place, photo, tmp_path):
    (tmp_path / "my photo.jpg").write_bytes(photo)
    (tmp_path / "notes.txt").write_text("no picture")
    paths = [str(tmp_path / name) for name in ("my photo.jpg", "notes.txt")]
    with started(place, *paths) as (_, port, token):
        cookie = enter(port, token)
        first, second = (ask(port, "/", Cookie=cookie)[0].getheader("location") for _ in range(2))
        told = json.loads(ask(port, first.replace("/desk/", "/api/desks/"), Cookie=cookie)[1])
        assert [(f["name"], f["status"]) for f in told["frames"]] == [
            ("my photo.jpg", "ready"),
            ("notes.txt", "failed"),
        ]
        told = json.loads(ask(port, second.replace("/desk/", "/api/desks/"), Cookie=cookie)[1])
        assert told["frames"] == []
    assert (tmp_path / "my photo.jpg").read_bytes() == photo


def test_a_port_that_is_taken_is_said_before_anything_is_opened(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "phos_darkroom", "app", "--no-browser", "--port", port]
        done = subprocess.run(
            command,
            env=os.environ | {"TMPDIR": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert f"port {port} cannot be used" in done.stderr
    assert "--port" in done.stderr
    assert not list(place.iterdir())


def test_it_listens_to_this_machine_alone(place):
    with started(place) as (_, port, _):
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port)}
        for other in others - {"127.0.0.1", "127.0.1.1", "::1"}:
            with socket.socket() as stranger:
                assert stranger.connect_ex((other, port)) != 0


def test_the_file_that_opens_the_browser_leads_to_a_desk(place):
    """From a file a browser comes as a stranger, who gets no strict cookie by being led on."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    chromium = os.environ.get("PHOS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a Chromium: on the PATH or PHOS_CHROMIUM")
    from phos_app.serving import leading_to

    with started(place) as (_, port, token), sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page()
        way = leading_to(f"http://127.0.0.1:{port}/?token={token}", place)
        assert way.stat().st_mode & 0o777 == 0o600
        opened.goto(way.as_uri())
        opened.wait_for_url(f"http://127.0.0.1:{port}/desk/*", timeout=1000 * PATIENCE_S)
        browser.close()
