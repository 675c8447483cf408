"""Programs of the stand-in ROCm packages."""
