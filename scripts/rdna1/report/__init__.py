"""`rdna1 report`: what a run did and found, as one JSON document, one HTML page, and JUnit XML."""
