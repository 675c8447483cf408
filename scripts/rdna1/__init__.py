"""What drives the rdna1.provision collection from the control machine."""
