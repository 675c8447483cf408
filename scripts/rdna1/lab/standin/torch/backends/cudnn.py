"""MIOpen's switches, which torch for ROCm has under cuDNN's name. Nothing here makes a difference."""

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Tell whether the library is there: it always is in a build for ROCm."""
    return True


def version() -> int:
    """Return MIOpen's version, 2.17.0, as torch for ROCm writes it."""
    return 2017000
