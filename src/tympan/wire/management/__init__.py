"""Documents of the published management API, in each of its versions."""
