"""The node for ComfyUI by its documented interface; ComfyUI itself is not needed."""

import importlib.util
from pathlib import Path

import pytest

import phos_core as phos
from phos_core.stocks import papers

torch = pytest.importorskip("torch", reason="IMAGE is a tensor of PyTorch's")

PLACE = Path(__file__).parents[2] / "examples" / "comfyui_phos" / "__init__.py"
SETTINGS = {"film": "gold-200", "exposure_stops": 0.5, "print": "auto", "grain": 1.0, "seed": 7}


@pytest.fixture(scope="module")
def example():
    """The module, as ComfyUI imports it: from its file."""
    spec = importlib.util.spec_from_file_location("comfyui_phos", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def node(example, monkeypatch):
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    return example.NODE_CLASS_MAPPINGS["PhosDevelopOnFilm"]()


@pytest.fixture
def frames():
    return torch.rand((20, 8, 12, 3), generator=torch.Generator().manual_seed(4))


def run(node, image, **changes):
    """Call the node as ComfyUI does: by the name in FUNCTION, with the inputs by their names."""
    inputs = {"image": image, **SETTINGS, "frame": 0, **changes}
    assert set(inputs) == set(node.INPUT_TYPES()["required"])
    result = getattr(node, node.FUNCTION)(**inputs)
    assert isinstance(result, tuple)
    assert len(result) == len(node.RETURN_TYPES) == 1
    return result[0]


def test_it_has_what_comfyui_asks_of_a_node(example, node):
    assert set(example.NODE_DISPLAY_NAME_MAPPINGS) == set(example.NODE_CLASS_MAPPINGS)
    assert node.RETURN_TYPES == ("IMAGE",)
    assert isinstance(node.CATEGORY, str)
    assert callable(getattr(node, node.FUNCTION))
    for kind, *options in node.INPUT_TYPES()["required"].values():
        assert isinstance(kind, list) or kind in ("IMAGE", "FLOAT", "INT")
        assert all(one["min"] <= one["default"] <= one["max"] for one in options)


def test_its_lists_are_those_of_the_library(node):
    inputs = node.INPUT_TYPES()["required"]
    assert inputs["film"][0][0] == "portra-400"
    assert sorted(inputs["film"][0]) == sorted(film.name for film in phos.films())
    assert inputs["print"][0] == ["auto", "neutral", *papers()]


def test_a_batch_comes_out_as_one_film_however_it_is_cut(node, frames):
    whole = run(node, frames, frame=3)
    settings = {"film": "gold-200", "exposure_stops": 0.5, "seed": 7, "frame": 3}
    assert torch.equal(whole, phos.develop(frames, **settings))
    later = run(node, frames[17:], frame=3 + 17)
    assert torch.equal(later, whole[17:])


def test_a_print_and_no_grain_reach_the_film(node, frames):
    found = run(node, frames[:1], print="endura-premier", grain=0.0)
    expected = phos.develop(
        frames[:1], "gold-200", exposure_stops=0.5, printing="endura-premier", grain=0.0
    )
    assert torch.equal(found, expected)


def test_alpha_is_dropped_and_what_lies_outside_is_clipped(node, frames):
    outside = torch.cat([frames[:1] * 1.4 - 0.2, torch.zeros(1, 8, 12, 1)], dim=-1)
    found = run(node, outside)
    assert torch.equal(found, run(node, outside[..., :3].clamp(0, 1)))


def test_of_seven_hundred_frames_sixteen_at_most_are_in_work(example, node, monkeypatch):
    """What is given to phos at once bounds the memory beside the result."""
    at_once, seen = [], []

    def develop(image, *, frame, **settings):
        at_once.append(image.shape[0])
        seen.extend(range(frame, frame + image.shape[0]))
        return image + 1.0

    monkeypatch.setattr(example.phos, "develop", develop)
    images = torch.zeros(700, 2, 3, 3)
    positives = run(node, images, frame=50)
    assert max(at_once) == example.FRAMES_AT_ONCE == 16
    assert seen == list(range(50, 750))
    assert torch.equal(positives, images + 1.0)
