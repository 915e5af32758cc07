"""Settings that phos 0.1 wrote: what they meant, and the figures of the stocks that it had.

It had one process and one scan; their names now are `process_version` 1 and the printing "neutral".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from phos_core.stocks import film_hash, paper_hash

__all__ = ["check_earlier", "film_hash_now", "meant_by", "paper_hash_now"]

NEWER: Mapping[str, Any] = MappingProxyType(
    {
        "scanner": "none",
        "contrast": 1.0,
        "balance_cc": [0.0, 0.0, 0.0],
        "brightness_stops": 0.0,
        "process_version": 1,
        "highlights_stops": 1.5,  # which nothing takes from, in process version 1
        "lab_correction": False,
        "light_balance": 0.0,
        "input_space": "",
        "output_space": "",
        "weave_um": 0.0,
        "breathing_stops": 0.0,
        "dust_per_cm2": 0.0,
        "scratches": 0.0,
        "strength": 1.0,
    }
)
"""The settings that came later, each with what phos 0.1 did."""

SCANNED = ("auto", "scan")
"""Printings that scan a negative, by another scan now; of a slide all scans are the same."""

# Hashes of the files of then. It is their words alone that have changed since; a stock or a paper
# whose figures change has to go from here.
FILMS: Mapping[str, str] = MappingProxyType(
    {
        "c200": "eb7083eca30fa47ba926484b8c77b92dbd6b5c5b349650f1742576c505fc7c57",
        "cinestill-800t": "73c17e4872b589c8d99379140fa728dcb293a06c987207725fc74d6e9339cdd7",
        "double-x-5222": "41db3fc0abb7d9b0081f4beed910d309e032151330f5ebd209685ae010b3c499",
        "ektachrome-100d": "4b96e20a6d4a3bf6bfe45928c0cf0b851ff52053dbf6929954173a3c084cc5e1",
        "ektar-100": "f4fb159cb2e4722c58f2f6dc9c1a2e14d7bd9afe1aaf1cbf55887212d530241e",
        "fp4-plus": "d4c342743b3531707448699e4274c3dd5c3bd54683b6154ef52712539c6765ce",
        "gold-200": "e1843dd54dad583ad0a15a2facfb0e910bca4773fe4bd0e0e0a64a568250c6b5",
        "hp5-plus": "c2dd031681c18a00fa86572582ea839dcc2e41673b167e28a380d7279645c9ba",
        "kodachrome-64": "8a59bbd6a25f87b7b3711a6d7d56e3712834ebd31f7cd98cacce26bcbbe3fefb",
        "natura-1600": "b0a42947e92aec35dc21551b9afdf8a16572a9a06984b4c13d29abbff3f24a0f",
        "portra-160": "6cd354ddb44cd9c971c37f847fe22f96ffd561de0b162c905d5adf6291dd0645",
        "portra-400": "c91faf0aaa3cffbddf7bab537c2a957d32f0596f4b11a19bd940a6a2c256e643",
        "portra-800": "1c90a0c021e32283d71084fd96498227c35de4ce344e9e7d25ad26fe38fef7ee",
        "portra-800-push-1600": "c01731bfbeca213c2e3875032cc15b86b38267b011584b21a1c8235b4e7ac0f6",
        "portra-800-push-3200": "e93a5ec3a94a141cfa36147e4b8053c62480fbe1dd0232f3b94a6300fcca1a7e",
        "pro-400h": "ee67f901100d3901b01d2db72ba1af3b888a5ec76182d4c532adec75b2051fab",
        "provia-100f": "887283536330a45762635ba2374b5a75bc7683942d43b8e113e679a09b47a2ec",
        "superia-400": "f26a3bc8eaa7072ec019fb8955d8c8f5ee3e98bde262e398b46513109c6d6d56",
        "t-max-100": "1826f08dd14c81977d2b830375bd3b153e5d724a156998a7f8fb33fca6422f7f",
        "t-max-400": "253f9a753085d0bacb6342f31973096981dca9d33e3d4a7f323b18df438f4bf9",
        "tri-x-400": "06be171407ad9374175f0adb5a53417c324aae4e3e9d5c7154859ab32413e402",
        "ultramax-400": "8339787afa137f58f08f171f39b714c23cdd9a300d3cdb8194dbdadea985e474",
        "velvia-50": "8783cf7403627e2d4a7ce4b1780bf2d0fede825ec3b01756f02f917240461f21",
        "vision3-200t": "26d338554ec426f6407064afc4e38c991ae05ac3a4787da7ec22b2dd8db2ffa3",
        "vision3-250d": "a612dbf3834fb8ae2f131de899cfdccfa1f5d3d3b9d70f7e28840eb58678ff8c",
        "vision3-500t": "a5bae00f7a72730e931a8630e71342ba81b4f9db70ef73a1d9e6c821e96dfb17",
        "vision3-50d": "df0b4f9cdbe5809b008245a4d5af91c59c85c67c48623bd633bc511a50bce29f",
    }
)
PAPERS: Mapping[str, str] = MappingProxyType(
    {
        "2383": "13d8d7f4b5e575c5532ac8c8e64fbb328310238867075337fa7fffabb31262de",
        "2393": "b7d932f939f15db31bfca2ca40ff34ec50926147390929fbc4cb4a91f4113e7b",
        "crystal-archive-dpii": "1610e1e9e28b4b8bf93089dbb76cfa0b8bbb6a5f45c101648d7aa21dc9cce3af",
        "endura-premier": "a9b1afbd8505ed5419566a01e0ffebcd1e2ea133fde09e06ce6f82c88148895a",
        "eterna-cp-3513di": "eea4f0bb2d7980e1f2a4c01a77cf60ca76fac7ebf9544c50ee06ae8be6ea72c6",
        "polymax": "e1c6b63d005e00172fe1edc6b7972d6aa5f88c00934d63ec9aa783c0f04f5632",
        "portra-endura": "6f88824f5eab3d71545e1a90cc800758755efa6f9624351113313fa66acadc34",
        "supra-endura": "ebac37102cb53bf0cca12ceb9f3465a30dd971e3a5499b074bfd27df0b1e75f8",
    }
)


def check_earlier(settings: Mapping[str, Any], said: str) -> None:
    """Raise if settings that are said to be of phos 0.1 hold one that it did not have.

    Parameters
    ----------
    settings : mapping of str to Any
        As TOML holds them.
    said : str
        What says so, such as ``phos_sidecar = 1``.

    Raises
    ------
    ValueError
        If one is newer; the message names it.
    """
    for name in NEWER:
        if name in settings:
            raise ValueError(f"{name} is newer than {said}, which is of phos 0.1")


def meant_by(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give what settings of phos 0.1 meant.

    Parameters
    ----------
    settings : mapping of str to Any
        As TOML holds them; all of them, or some as in a preset.

    Returns
    -------
    dict of str to Any
        Settings of today that give the picture of then.
    """
    printing = settings.get("printing", "auto")
    return {**settings, "printing": "neutral" if printing in SCANNED else printing, **NEWER}


def film_hash_now(name: str, then: str) -> str:
    """Give the hash of a stock of the same figures as then.

    Parameters
    ----------
    name : str
        The stock's.
    then : str
        The hash of its file when phos 0.1 used it.

    Returns
    -------
    str
        Today's, if that is the bundled stock and its figures are the same; else that of then.
    """
    return film_hash(name) if FILMS.get(name) == then else then


def paper_hash_now(printing: Any, then: str | None) -> str | None:
    """Give the hash of a paper of the same figures as then, as `film_hash_now` does."""
    is_same = then is not None and PAPERS.get(str(printing)) == then
    return paper_hash(printing) if is_same else then
