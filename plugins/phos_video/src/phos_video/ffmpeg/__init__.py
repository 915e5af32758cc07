"""What the user's own FFmpeg does: look into clips, decode and encode frames, join them."""
