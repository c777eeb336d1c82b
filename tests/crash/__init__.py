"""What is left when a run is stopped at its worst moment, and how the next one mends it."""
