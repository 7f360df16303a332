"""The image network for other runtimes, from the very weights that Hone reads: an ONNX file and a TensorFlow.js graph.

Usage: python3 models.py lite0.safetensors FOLDER. Writes FOLDER/lite0.onnx, FOLDER/model.json and FOLDER/weights.bin.
Needs nothing but the standard library. Both store the weights as 16-bit floats, as Hone does, and compute in 32 bits;
both are written as their own converters write them: batch norms folded in, bias and activation fused where the runtime can.
"""

import base64
import json
import math
import pathlib
import struct
import sys

SIDE = 224
# (blocks, kernel, stride of the first, expansion, channels): `STAGES` in src/nn/lite0.rs.
STAGES = [
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
]


def read_weights(path):
    """Name → (dtype, shape, bytes)."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["dtype"], entry["shape"], data[start:end])
    return tensors


def plan():
    """The convolutions in their order: (name, kind, kernel, stride, side in, rectified, residual)."""
    layers = [("stem", "full", 3, 2, SIDE, True, False)]
    side, channels, block = SIDE // 2, 32, 0
    for blocks, kernel, first_stride, expansion, out in STAGES:
        for place in range(blocks):
            stride = first_stride if place == 0 else 1
            name = f"blocks.{block}"
            if expansion > 1:
                layers.append((f"{name}.expand", "full", 1, 1, side, True, False))
            layers.append((f"{name}.depthwise", "depthwise", kernel, stride, side, True, False))
            side = math.ceil(side / stride)
            residual = stride == 1 and channels == out
            layers.append((f"{name}.project", "full", 1, 1, side, False, residual))
            channels, block = out, block + 1
    layers.append(("head", "full", 1, 1, side, True, False))
    return layers


# --- ONNX: a handful of Protocol Buffers messages, written field by field (onnx.proto names the numbers). ---

def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(number & 127 | (128 if number > 127 else 0))
        number >>= 7
        if not number:
            return bytes(out)


def field(number, value):
    """Integers as varints, everything else as bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


FLOAT, FLOAT16 = 1, 10  # TensorProto.DataType


def onnx_tensor(name, data_type, shape, raw):
    return b"".join(field(1, size) for size in shape) + field(2, data_type) + field(8, name) + field(9, raw)


def onnx_attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, number) for number in value) + field(20, 7)


def onnx_node(kind, inputs, outputs, **attributes):
    parts = [field(1, name) for name in inputs] + [field(2, name) for name in outputs]
    parts += [field(3, outputs[0]), field(4, kind)]
    parts += [field(5, onnx_attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def onnx_value(name, shape):
    dimensions = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dimensions)))


def write_onnx(tensors, path):
    nodes, initialisers = [], []
    for name, number in (("zero", 0.0), ("six", 6.0)):
        initialisers.append(onnx_tensor(name, FLOAT, [], struct.pack("<f", number)))
    current, block_input = "image", None
    for name, kind, kernel, stride, side, rectified, residual in plan():
        dtype, shape, raw = tensors[f"{name}.weight"]
        if name.endswith(".expand"):
            block_input = current
        # Expanded once, when the session is created.
        stored = onnx_tensor(f"{name}.weight16", FLOAT16 if dtype == "F16" else FLOAT, shape, raw)
        initialisers.append(stored)
        nodes.append(onnx_node("Cast", [f"{name}.weight16"], [f"{name}.weight"], to=FLOAT))
        _, bias_shape, bias = tensors[f"{name}.bias"]
        initialisers.append(onnx_tensor(f"{name}.bias", FLOAT, bias_shape, bias))
        total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        before, after = total // 2, total - total // 2
        nodes.append(onnx_node(
            "Conv", [current, f"{name}.weight", f"{name}.bias"], [f"{name}.sum"],
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[before, before, after, after],
            group=shape[0] if kind == "depthwise" else 1,
        ))
        current = f"{name}.sum"
        if rectified:
            nodes.append(onnx_node("Clip", [current, "zero", "six"], [f"{name}.out"]))
            current = f"{name}.out"
        if residual:
            nodes.append(onnx_node("Add", [current, block_input], [f"{name}.out"]))
            current = f"{name}.out"
    nodes.append(onnx_node("GlobalAveragePool", [current], ["pooled"]))
    nodes.append(onnx_node("Flatten", ["pooled"], ["embedding"], axis=1))
    columns = tensors["head.bias"][1][0]
    graph = b"".join(field(1, node) for node in nodes) + field(2, "lite0")
    graph += b"".join(field(5, initialiser) for initialiser in initialisers)
    graph += field(11, onnx_value("image", [1, 3, SIDE, SIDE])) + field(12, onnx_value("embedding", [1, columns]))
    operators = field(1, "") + field(2, 13)
    path.write_bytes(field(1, 8) + field(2, "hone") + field(7, graph) + field(8, operators))


# --- TensorFlow.js: a graph model, a JSON file beside its weights. ---

def text(value):
    return {"s": base64.b64encode(value.encode()).decode()}


def texts(values):
    return {"list": {"s": [base64.b64encode(value.encode()).decode() for value in values]}}


def numbers(values):
    return {"list": {"i": [str(value) for value in values]}}


def permuted(raw, size, shape, order):
    """The tensor's elements, `size` bytes each, with its axes in another order."""
    strides = [math.prod(shape[axis + 1:]) for axis in range(len(shape))]
    places = [0]
    for axis in order:
        places = [place + step * strides[axis] for place in places for step in range(shape[axis])]
    return b"".join(raw[place * size:(place + 1) * size] for place in places)


def write_tfjs(tensors, folder):
    float_type = {"type": "DT_FLOAT"}
    nodes = [{"name": "image", "op": "Placeholder", "attr": {
        "dtype": float_type, "shape": {"shape": {"dim": [{"size": str(size)} for size in (1, SIDE, SIDE, 3)]}},
    }}]
    manifest, data = [], bytearray()

    def constant(name, shape, raw, dtype):
        entry = {"name": name, "shape": shape, "dtype": "int32" if dtype == "I32" else "float32"}
        if dtype == "F16":
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
        manifest.append(entry)
        data.extend(raw)
        nodes.append({"name": name, "op": "Const", "attr": {
            "dtype": {"type": "DT_INT32"} if dtype == "I32" else float_type,
            "value": {"tensor": {"dtype": "DT_INT32" if dtype == "I32" else "DT_FLOAT", "tensorShape": {
                "dim": [{"size": str(size)} for size in shape]}}},
        }})

    current, block_input = "image", None
    for name, kind, kernel, stride, _, rectified, residual in plan():
        if name.endswith(".expand"):
            block_input = current
        dtype, shape, raw = tensors[f"{name}.weight"]
        out, into, height, width = shape
        size = 2 if dtype == "F16" else 4
        if kind == "depthwise":  # out × 1 × row × column → row × column × out × 1
            constant(f"{name}.weight", [height, width, out, 1], permuted(raw, size, shape, (2, 3, 0, 1)), dtype)
        else:  # out × in × row × column → row × column × in × out
            constant(f"{name}.weight", [height, width, into, out], permuted(raw, size, shape, (2, 3, 1, 0)), dtype)
        bias_dtype, bias_shape, bias = tensors[f"{name}.bias"]
        constant(f"{name}.bias", bias_shape, bias, bias_dtype)
        nodes.append({
            "name": name,
            "op": "FusedDepthwiseConv2dNative" if kind == "depthwise" else "_FusedConv2D",
            "input": [current, f"{name}.weight", f"{name}.bias"],
            "attr": {
                "T": float_type, "data_format": text("NHWC"), "padding": text("SAME"),
                "strides": numbers([1, stride, stride, 1]), "dilations": numbers([1, 1, 1, 1]),
                "explicit_paddings": numbers([]), "num_args": {"i": "1"}, "epsilon": {"f": 0.0},
                "fused_ops": texts(["BiasAdd", "Relu6"] if rectified else ["BiasAdd"]),
            },
        })
        current = name
        if residual:
            nodes.append({"name": f"{name}.add", "op": "AddV2", "input": [current, block_input], "attr": {"T": float_type}})
            current = f"{name}.add"
    constant("axes", [2], struct.pack("<2i", 1, 2), "I32")
    nodes.append({"name": "embedding", "op": "Mean", "input": [current, "axes"], "attr": {
        "T": float_type, "Tidx": {"type": "DT_INT32"}, "keep_dims": {"b": False},
    }})
    model = {
        "format": "graph-model",
        "generatedBy": "hone",
        "modelTopology": {"node": nodes, "library": {}, "versions": {}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": manifest}],
    }
    (folder / "model.json").write_text(json.dumps(model, separators=(",", ":")))
    (folder / "weights.bin").write_bytes(data)


def main(source, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = read_weights(source)
    write_onnx(tensors, folder / "lite0.onnx")
    write_tfjs(tensors, folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
