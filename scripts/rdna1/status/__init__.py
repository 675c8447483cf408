"""`rdna1 status` and `rdna1 diff`: the fleet as its last verdicts and runs left it. No host is called."""
