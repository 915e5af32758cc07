"""A picture turned, flipped and straightened, and where the part that is wanted lies in it."""

from dataclasses import dataclass, replace

from phos_core.process import Recipe, Window
from phos_darkroom.files.formats.assembling import turn
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.files.framing.straightening import straightened
from phos_darkroom.files.metadata import exif_facts, photoshop, xmp
from phos_darkroom.files.picture import Metadata, Picture

__all__ = ["Framed", "framed"]

ORIENTATIONS = {  # EXIF's, by quarter turns clockwise and by whether it is flipped afterwards
    (0, False): 1,
    (1, False): 6,
    (2, False): 3,
    (3, False): 8,
    (0, True): 2,
    (1, True): 5,
    (2, True): 4,
    (3, True): 7,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A picture that a framing was applied to, with what lies around the crop.

    Parameters
    ----------
    picture : Picture
        Turned, flipped and straightened; not yet cropped.
    window : tuple of slice
        Rows and columns of it that are wanted.
    frame_shape : tuple of (int, int)
        Rows and columns that the film's frame has: the turned picture before it was straightened.
    """

    picture: Picture
    window: Window
    frame_shape: tuple[int, int]

    @property
    def is_cropped(self) -> bool:
        """Whether not all of the picture is wanted."""
        return self.window != tuple(slice(0, size) for size in self.picture.pixels.shape[:2])

    @property
    def wanted(self) -> Picture:
        """The part that is wanted, before it is developed."""
        return self.picture.part(self.window) if self.is_cropped else self.picture

    def recipe(self, recipe: Recipe) -> Recipe:
        """Give the settings with which the picture is developed where it lies in its frame.

        Parameters
        ----------
        recipe : Recipe
            As for the picture without its framing.

        Returns
        -------
        Recipe
            A pixel is as wide on the film as of the whole frame, and the grain is that of its
            place there.
        """
        row, col = recipe.offset_px
        rows, cols = self.picture.pixels.shape[:2]
        if (rows, cols) == self.frame_shape:
            return recipe
        return replace(
            recipe,
            pixel_pitch_um=recipe.pitch_um(*self.frame_shape),
            offset_px=(
                row + (self.frame_shape[0] - rows) // 2,
                col + (self.frame_shape[1] - cols) // 2,
            ),
        )


def framed(picture: Picture, framing: Framing) -> Framed:
    """Turn, flip and straighten a picture, and say which part of it is wanted.

    Parameters
    ----------
    picture : Picture
        What was read.
    framing : Framing
        The framing.

    Returns
    -------
    Framed
        Its metadata are true of the part that is wanted.

    Raises
    ------
    ImageFileError
        If the picture is straightened, and its colour profile is damaged or of other pictures.
    """
    turned = _turned(picture, ORIENTATIONS[framing.turns, framing.flipped])
    frame_shape = _size(turned)
    if framing.straighten_degrees:
        turned = straightened(turned, framing.straighten_degrees)
    window = framing.window(*_size(turned))
    if not framing.is_whole:
        rows, cols = (part.stop - part.start for part in window)
        metadata = _true_of(turned.metadata, rows, cols, is_turned=framing.turns % 2 == 1)
        turned = replace(turned, metadata=metadata)
    return Framed(picture=turned, window=window, frame_shape=frame_shape)


def _turned(picture: Picture, orientation: int) -> Picture:
    """The picture as EXIF's orientation turns it."""
    if orientation == 1:
        return picture
    gain_map = picture.gain_map
    if gain_map is not None:
        gain_map = replace(gain_map, stops=turn(gain_map.stops, orientation))
    return replace(
        picture,
        pixels=turn(picture.pixels, orientation),
        alpha=None if picture.alpha is None else turn(picture.alpha, orientation),
        gain_map=gain_map,
    )


def _true_of(metadata: Metadata, rows: int, cols: int, *, is_turned: bool) -> Metadata:
    """What a file says, of a picture of this size that lies otherwise than it did."""
    exif = exif_facts.with_size(exif_facts.without_thumbnail(metadata.exif), rows, cols)
    packet = None if metadata.xmp is None else xmp.with_size(metadata.xmp, rows, cols)
    resolution = metadata.resolution
    if is_turned and resolution is not None and resolution.across != resolution.down:
        resolution = resolution.turned
        exif = exif and exif_facts.with_resolution(exif, resolution)
    return replace(
        metadata,
        exif=exif,
        xmp=packet,
        photoshop=photoshop.kept(metadata.photoshop, is_turned=True),
        resolution=resolution,
    )


def _size(picture: Picture) -> tuple[int, int]:
    rows, cols = picture.pixels.shape[:2]
    return rows, cols
