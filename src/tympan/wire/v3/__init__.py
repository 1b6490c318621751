"""Documents of the published API, version 3.2."""
