"""Reads PyTorch's legacy (pre-1.6, not zip) state files with the standard library alone.

The file is five pickles in a row (magic number, protocol, platform, the object, the storages' keys), then each storage
in the keys' order: its element count as a little-endian i64, then its elements.
"""

import array
import itertools
import pickle
import struct
import sys
from collections import OrderedDict

MAGIC = 0x1950A86A20F9469CFC6C
ELEMENTS = {"FloatStorage": ("f", 4), "LongStorage": ("q", 8)}


class _Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def row_major(self, values):
        """The elements in the order of the shape, whatever order the storage has them in."""
        steps = [range(0, side * stride, stride) for side, stride in zip(self.shape, self.strides)]
        return [values[self.offset + sum(places)] for places in itertools.product(*steps)]


class _Reader(pickle.Unpickler):
    """Allows the few names a state file needs: a pickle could otherwise run any code."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *rest: _Tensor(storage, offset, shape, strides)
        if module == "torch" and name in ELEMENTS:
            return name
        raise SystemExit(f"unexpected {module}.{name} in the weights: refusing to read them")

    def persistent_load(self, reference):
        _, element, key, _, _, _ = reference
        return element, key


def read(file):
    """Returns {name: (shape, flat list of floats)} for the float tensors of a state file, row-major."""
    if _Reader(file).load() != MAGIC:
        raise SystemExit("not a legacy PyTorch file")
    for _ in range(2):
        _Reader(file).load()
    tensors = _Reader(file).load()
    elements = {tensor.storage[1]: ELEMENTS[tensor.storage[0]] for tensor in tensors.values()}
    storages = {}
    for key in _Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        letter, size = elements[key]
        values = array.array(letter)
        values.frombytes(file.read(count * size))
        if sys.byteorder == "big":
            values.byteswap()
        storages[key] = values
    return {
        name: (tensor.shape, tensor.row_major(storages[tensor.storage[1]]))
        for name, tensor in tensors.items()
        if tensor.storage[0] == "FloatStorage"
    }
