"""Writes safetensors with the standard library alone, so that a new machine needs nothing but Python.

Format: https://huggingface.co/docs/safetensors — a little-endian u64 header length, a JSON header, the tensors' bytes.
"""

import json
import math
import struct

FORMAT_LETTERS = {"F16": "e", "F32": "f", "I8": "b"}


def write(path, tensors):
    """Writes `tensors`, a list of (name, dtype, shape, flat values), in that order.

    The bytes depend on nothing but the arguments: the caller pins their SHA-256. Values are rounded to the nearest
    representable one, ties to even; one that does not fit an F16 is an error, never an infinity.
    """
    header, offset, blobs = {}, 0, []
    for name, dtype, shape, values in tensors:
        if math.prod(shape) != len(values):
            raise SystemExit(f"{name}: {len(values)} values do not fill the shape {shape}")
        blob = struct.pack(f"<{len(values)}{FORMAT_LETTERS[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for blob in blobs:
            file.write(blob)
