"""Reports and messages as text for people and as JSON for programs."""
