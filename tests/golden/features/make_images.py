"""Makes the golden files of the image features from a reference run's arrays. Needs numpy and Pillow.

Usage: python3 make_images.py FOLDER, where FOLDER holds lite0_crops_u8.npy (n × 224 × 224 × 3), lite0_embeddings.npy
(n × 1280, f32) and lite0_files.json (n paths below public/demo/photos). The reference is an independent run of
EfficientNet-Lite0 on the same weights: TensorFlow's "SAME" padding, batch-norm epsilon 1e-3, inputs
(x − 127.5) / 127.5, Pillow's BICUBIC to a shortest side of 256, centre crop 224.
"""

import json
import pathlib
import sys

import numpy
from PIL import Image

CROPS_KEPT = 4  # one picture a class is enough; all eight embeddings are kept


def main(folder):
    source, target = pathlib.Path(folder), pathlib.Path(__file__).parent
    files = json.loads((source / "lite0_files.json").read_text())
    crops = numpy.load(source / "lite0_crops_u8.npy")
    embeddings = numpy.load(source / "lite0_embeddings.npy").astype("<f4")
    (target / "photos.json").write_text(json.dumps(files, indent=1) + "\n")
    (target / "lite0-embeddings.f32").write_bytes(embeddings.tobytes())
    for place in range(0, len(files), len(files) // CROPS_KEPT):
        Image.fromarray(crops[place]).save(target / f"crop-{place}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
