"""Importing into real databases."""
