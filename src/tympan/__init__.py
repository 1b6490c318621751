"""Tympan: open, self-hosted Custom Speech."""

__version__ = "0.1.0"
