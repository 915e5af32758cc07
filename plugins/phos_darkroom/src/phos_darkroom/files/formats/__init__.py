"""Behind `image_files`: a module for each format that pictures come in.

Each has ``read(path) -> Picture``, and, if it is written too, ``write(file, picture)``. What is
damaged may raise anything of `damage.DAMAGE`; the door turns it into one clear error.
"""
