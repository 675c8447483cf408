"""What the real wheel's torch/version.py says; a unit test keeps it equal to the stack's lock."""

__version__ = "1.13.1+rocm5.2"
debug = False
cuda: "str | None" = None
git_version = "stand-in"
hip: "str | None" = "5.2.21151-afdc89f8"
