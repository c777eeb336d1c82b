"""Recovery after runs that died."""
