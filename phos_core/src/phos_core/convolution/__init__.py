"""Convolution with point-spread functions: the one part of phos that others can replace."""
