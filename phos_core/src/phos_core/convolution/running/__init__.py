"""A convolution, or any work on planes, run whole or in tiles, here or one rung further down."""
