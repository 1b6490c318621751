"""Who speaks: CAM++ on ONNX Runtime, without torch."""
