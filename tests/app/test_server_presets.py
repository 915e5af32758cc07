import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_core.process import Recipe
from phos_darkroom import load_preset

LOOK = {"film": "velvia-50", "grain": 0.5, "seed": 7}


def test_a_preset_of_ones_own_is_saved_renamed_and_removed(browser_of):
    made = browser_of.post("/api/presets", json={"name": "Evening", "settings": LOOK})
    assert made.status_code == 201
    assert made.json()["is_own"]
    assert made.json()["settings"]["grain"] == 0.5
    assert load_preset("Evening")["film"] == "velvia-50"
    assert "seed" not in load_preset("Evening")
    again = {"name": "Evening", "settings": LOOK | {"grain": 0.7}}
    assert browser_of.post("/api/presets", json=again).status_code == 409
    assert browser_of.post("/api/presets", json=again | {"replace": True}).status_code == 201
    renamed = browser_of.put("/api/presets/Evening", json={"name": "Late light"})
    assert renamed.json()["settings"]["grain"] == 0.7
    names = [preset["name"] for preset in browser_of.get("/api/presets").json()]
    assert "Late light" in names
    assert "Evening" not in names
    assert browser_of.delete("/api/presets/Late light").status_code == 204
    assert browser_of.delete("/api/presets/Late light").status_code == 404


def test_presets_of_phos_stay_as_they_are(browser_of):
    taken = {"name": "portrait", "settings": LOOK, "replace": True}
    assert browser_of.post("/api/presets", json=taken).status_code == 409
    assert browser_of.delete("/api/presets/portrait").status_code == 409
    assert browser_of.put("/api/presets/portrait", json={"name": "x"}).status_code == 409


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "x.toml", "<b>", None, 3, "x" * 99])
def test_a_name_that_is_none_saves_nothing(browser_of, name, tmp_path):
    answer = browser_of.post("/api/presets", json={"name": name, "settings": LOOK})
    assert answer.status_code == 400
    assert not list(tmp_path.rglob("*.toml"))


def test_settings_go_out_and_come_back_as_text(browser_of):
    text = browser_of.post("/api/settings/text", json={"settings": LOOK}).text
    assert 'film = "velvia-50"' in text
    told = browser_of.post("/api/settings/read", content=text).json()
    assert told["settings"]["film"] == "velvia-50"
    assert told["settings"]["grain"] == 0.5
    assert told["changed"] == []


@pytest.mark.parametrize(
    "text",
    [
        b"no toml [",
        b"[settings]\ngrains = 1\n",
        b'[settings]\nfilm = "/etc/passwd.toml"\n',
        b'[settings]\nfilm = "film.toml"\n',
        b"\xff\xfe",
        b"",
    ],
)
def test_text_that_holds_no_settings_is_one_sentence(browser_of, text, app):
    answer = browser_of.post("/api/settings/read", content=text)
    assert answer.status_code == 400
    assert str(app.state.workplace.folder) not in answer.json()["message"]
    assert not [path for path in app.state.workplace.folder.rglob("*") if path.is_file()]


def test_the_catalogues_presets_are_looks_that_the_page_can_take(browser_of):
    for preset in browser_of.get("/api/catalogue").json()["presets"]:
        assert not preset["error"]
        controls = dict(preset["settings"])
        told = browser_of.post("/api/offered", json={"settings": controls}).json()
        assert told["settings"] == controls
        assert Recipe(**load_preset(preset["name"])).film == controls["film"]
