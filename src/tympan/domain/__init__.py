"""Resources, their states and the errors: standard library only."""
