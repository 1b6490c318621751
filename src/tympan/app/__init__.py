"""Builds everything once, from settings."""
