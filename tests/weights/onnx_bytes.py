"""The smallest ONNX model, written byte by byte: one Identity from an input to an output of a given shape."""


def _varint(number):
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _float_tensor(name, shape):
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def identity_model(shape):
    node = _field(1, "x") + _field(2, "y") + _field(4, "Identity")
    ends = _field(11, _float_tensor("x", shape)) + _field(12, _float_tensor("y", shape))
    graph = _field(1, node) + _field(2, "identity") + ends
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))
