"""How PostgreSQL tells which rows are pending: a flag column, an outbox, or a comparison."""
