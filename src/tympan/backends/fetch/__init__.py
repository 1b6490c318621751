"""Reaching addresses that users name, without being led into the network inside."""
