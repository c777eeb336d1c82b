"""Makes relations from their descriptions: SQL in an order that works, and nothing hidden in it."""
