"""Checks what people read: links that lead somewhere, targets that exist."""
