"""A host that puts itself right by the chain, from the commit that the fleet runs. Standard library only."""
