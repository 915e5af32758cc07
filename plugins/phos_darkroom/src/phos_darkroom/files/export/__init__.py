"""What a positive becomes in its file: its size, its sharpness, its quality."""
