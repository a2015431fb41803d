"""Nothing is set otherwise than usual."""
