"""A node for ComfyUI that develops images on film: this folder goes into `custom_nodes`."""

from typing import Any

import phos_core as phos
from phos_core.stocks import papers

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

FRAMES_AT_ONCE = 16  # of a long batch: what is in work besides the result stays small
MOST = 2**63 - 1  # of a seed: ComfyUI's own nodes have whole numbers of 64 bits


class DevelopOnFilm:
    """Develops images, which may be the frames of a video, on a film."""

    CATEGORY = "image/film"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "develop"
    DESCRIPTION = "Develops each image on film: its colours, halation and grain, from physics."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """What the node shows: a film, and what is most often changed."""
        films = sorted((film.name for film in phos.films()), key=lambda name: name != "portra-400")
        stops = {"default": 0.0, "min": -5.0, "max": 5.0, "step": 0.25}
        share = {"default": 1.0, "min": 0.0, "max": 5.0, "step": 0.1}
        number = {"default": 0, "min": 0, "max": MOST}
        return {
            "required": {
                "image": ("IMAGE",),
                "film": (films,),
                "exposure_stops": ("FLOAT", stops),
                "print": (["auto", "neutral", *papers()],),
                "grain": ("FLOAT", share),
                "seed": ("INT", number),
                "frame": ("INT", number),
            }
        }

    def develop(self, image: Any, print: str, frame: int, **settings: Any) -> tuple[Any]:
        """Develop a batch, some frames at a time.

        Parameters
        ----------
        image : tensor, shape (batch, rows, cols, 3)
            Floats; an alpha channel is dropped, and what lies outside 0 to 1 is clipped.
        print : str
            What a negative is printed on, or how it is scanned.
        frame : int
            Number of the first image: each has a grain of its own, however the batch is cut.
        **settings
            The other settings, as `phos.develop` has them.

        Returns
        -------
        tuple of one tensor
            The positives.
        """
        positives = image.new_empty((*image.shape[:3], 3))
        for start in range(0, image.shape[0], FRAMES_AT_ONCE):
            some = slice(start, start + FRAMES_AT_ONCE)
            positives[some] = phos.develop(
                image[some, ..., :3].clamp(0.0, 1.0),
                layout="BHWC",
                frame=frame + start,
                printing=print,
                **settings,
            )
        return (positives,)


NODE_CLASS_MAPPINGS = {"PhosDevelopOnFilm": DevelopOnFilm}
NODE_DISPLAY_NAME_MAPPINGS = {"PhosDevelopOnFilm": "Develop on film (phos)"}
