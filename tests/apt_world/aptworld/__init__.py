"""Apt worlds: archives, a host's apt state and the real apt, below one directory, without a network."""
