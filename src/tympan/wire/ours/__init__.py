"""Documents of what the published API has no words for."""
