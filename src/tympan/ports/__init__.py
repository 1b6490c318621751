"""What the use cases ask of the world, one Protocol a file."""
