"""Frames through the film: as a stream, by segments, and a whole clip."""
