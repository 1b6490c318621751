"""The speech protocol of the official Speech SDKs over WebSocket."""
