"""The lab: containers that stand for a fleet of RDNA1 hosts, on this machine, reached over SSH."""
