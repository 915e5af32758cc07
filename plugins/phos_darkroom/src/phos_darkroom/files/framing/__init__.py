"""How a photograph lies and what of it is wanted: turned, flipped, straightened and cropped."""
