"""Many runs of one pipeline: sweeps and studies that share every step they have in common."""
