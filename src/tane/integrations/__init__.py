"""What other libraries call while they train: callbacks that log to the active run. One small file each."""
