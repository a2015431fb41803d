"""What a flight to the moon costs."""
