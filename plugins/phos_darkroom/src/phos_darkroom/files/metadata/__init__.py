"""What a picture file says of itself: EXIF, XMP, IPTC."""
