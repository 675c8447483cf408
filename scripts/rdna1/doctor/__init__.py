"""`rdna1 doctor`: is this machine, its inventory and every host ready for a run? Nothing is changed."""
