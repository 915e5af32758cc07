import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.shelf import Shelf


def put(shelf, owner, key, weight, made):
    return shelf.kept(owner, key, lambda: made.append(key) or key, lambda _: weight)


def test_what_was_not_asked_for_longest_goes_when_there_is_no_room():
    shelf, made = Shelf(100), []
    for key in ("a", "b"):
        put(shelf, "desk", key, 40, made)
    put(shelf, "desk", "a", 40, made)
    put(shelf, "other", "c", 40, made)
    assert made == ["a", "b", "c"]
    assert shelf.held_bytes == 80
    put(shelf, "desk", "a", 40, made)
    assert made == ["a", "b", "c"]
    put(shelf, "desk", "b", 40, made)
    assert made == ["a", "b", "c", "b"]


def test_one_that_is_too_large_alone_is_kept_until_the_next():
    shelf, made = Shelf(100), []
    put(shelf, "desk", "large", 500, made)
    put(shelf, "desk", "large", 500, made)
    assert made == ["large"]
    put(shelf, "desk", "small", 1, made)
    assert shelf.held_bytes == 1


def test_an_owner_takes_everything_along():
    shelf, made = Shelf(100), []
    put(shelf, "desk", "a", 10, made)
    put(shelf, "other", "a", 20, made)
    shelf.clear("desk")
    assert shelf.held_bytes == 20
