"""Tagged canonical digests (BLAKE3-256) of bytes, files and Python values."""
