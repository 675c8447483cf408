"""What the lab's mirror serves: AMD's packages stood in for, a wheel index, a Python archive."""

from rdna1.lab.mirror.assemble import MirrorFacts, build

__all__ = ["MirrorFacts", "build"]
