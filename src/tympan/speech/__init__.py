"""Functions over arrays and text: same input, same output."""
