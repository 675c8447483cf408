"""`rdna1 rollout`: take a fleet through the chain in waves, and let no bad result travel on."""
