"""The ONNX opset that networks are packaged in. No torch."""

OPSET = 18  # the first that torch's exporter writes without converting, and ONNX Runtime has read it since 1.14
