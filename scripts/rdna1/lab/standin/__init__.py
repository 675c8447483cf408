"""What stands in, in the lab, for AMD's and PyTorch's software. It runs on lab hosts, not here."""
