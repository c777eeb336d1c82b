"""Importing, and archives."""
