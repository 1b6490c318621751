"""Each port implemented: embedded first, scale-out second."""
