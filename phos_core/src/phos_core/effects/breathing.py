"""Breathing: the exposure of moving film is not the same from frame to frame."""

from phos_core.chance import wander

__all__ = ["breath_stops"]

STREAM = 1
OWN_SHARE = 0.3  # our choice: shutters err frame by frame, developers over seconds


def breath_stops(rms_stops: float, *, seed: int, frame: int) -> float:
    """Say how much more light a frame got than it should have.

    Parameters
    ----------
    rms_stops : float
        Its RMS over the frames, in stops.
    seed, frame : int
        Those of the grain.

    Returns
    -------
    float
        In stops, of mean 0: to be added to the exposure.

    Notes
    -----
    With w the wander of `chance.wander`, of which 0.3 of the variance is each frame's own,

        δ(f) = rms_stops w(f)
    """
    return rms_stops * wander(seed, STREAM, frame, own_share=OWN_SHARE) if rms_stops else 0.0
