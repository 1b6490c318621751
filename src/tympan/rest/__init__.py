"""The REST face: decode, call one use case, encode."""
