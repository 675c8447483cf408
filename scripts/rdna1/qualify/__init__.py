"""Which stack and policy serve a card best: verdicts in, an order with its reasons out."""
