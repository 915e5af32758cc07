import pytest

pytest.importorskip("phos_app", reason="needs phos-app")

HOME = {"host": "127.0.0.1:8501"}
TOKEN = "of-this-test"


@pytest.mark.parametrize("path", ["/", "/desk/x", "/page/main.js", "/api/catalogue", "/?token=no"])
def test_without_the_token_nobody_comes_in(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 403
    assert "phos app printed" in answer.text


def test_the_token_opens_and_its_cookie_is_for_this_server_alone(stranger):
    answer = stranger.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("phos-8501=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/").headers["location"].startswith("/desk/")


def test_from_elsewhere_a_page_of_our_own_leads_on(stranger):
    answer = stranger.get(f"/?token={TOKEN}", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8501"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "[::1"},
        {"host": "127.0.0.1:80x"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8502"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_page_or_name_gets_nothing_even_with_the_cookie(browser_of, headers):
    assert browser_of.get("/api/status", headers=HOME).status_code == 200
    assert browser_of.get("/api/status", headers=HOME | headers).status_code == 403


def test_the_page_may_be_visited_from_elsewhere_but_not_embedded(browser_of):
    visit = {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}
    assert browser_of.get("/", headers=visit).status_code == 303
    assert browser_of.get("/", headers=visit | {"sec-fetch-mode": "no-cors"}).status_code == 403
    assert browser_of.get("/api/status", headers=visit).status_code == 403


@pytest.mark.parametrize("path", ["/api/status", "/api/nothing", "/", "/desk/none/x"])
def test_every_answer_keeps_the_browser_to_this_server(browser_of, path):
    headers = browser_of.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_two_starts_have_two_cookies(browser_of, tmp_path):
    from starlette.testclient import TestClient

    from phos_app.serving import application

    (tmp_path / "other").mkdir()
    other = TestClient(application(tmp_path / "other", TOKEN), base_url=str(browser_of.base_url))
    cookie = "; ".join(f"{name}={value}" for name, value in browser_of.cookies.items())
    assert browser_of.get("/api/status", headers={"cookie": cookie}).status_code == 200
    assert other.get("/api/status", headers={"cookie": cookie}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/page/../gate.py", "/page/%2e%2e/gate.py", "/page/..%2fgate.py", "/page//etc/passwd"]
)
def test_no_file_outside_the_page_is_served(browser_of, path):
    assert browser_of.get(path).status_code == 404
