"""Moving pictures on film, frame by frame: installing this adds ``phos video``."""

PHOS_HOOK_API = 1
