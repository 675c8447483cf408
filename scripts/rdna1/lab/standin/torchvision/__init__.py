"""STAND-IN of the rdna1 lab for torchvision: it can be imported and knows its version, nothing else."""

__version__ = "0.14.1+rocm5.2"
