"""Bytes that never change."""
