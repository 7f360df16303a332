"""Makes the images beside it: one picture in every way that a camera, a scanner or a broken download stores it.

python make_images.py   (needs Pillow 11 or newer)
"""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
EXIF_TURN = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def picture(width=48, height=32):
    """No two corners alike, so that every turn shows."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (x * 255 // (width - 1), y * 255 // (height - 1), 200 if x < width // 2 else 40))
    return image


def save(image, name, **options):
    image.save(HERE / name, **options)


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(width, height, colour, samples, interlaced=0):
    """A PNG of 16 bits from rows of samples; Pillow writes only grey ones."""
    rows = b"".join(b"\0" + struct.pack(f">{len(row)}H", *row) for row in samples)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def main():
    upright = picture()
    save(upright, "upright.png")
    for orientation, turn in EXIF_TURN.items():
        stored = upright.transpose(turn) if turn is not None else upright
        mark = exif(orientation)
        save(stored, f"turned-{orientation}.jpg", exif=mark, quality=95, subsampling=0)
        save(stored, f"turned-{orientation}.png", exif=mark)
        save(stored, f"turned-{orientation}.webp", exif=mark, lossless=True)
        save(stored, f"turned-{orientation}.tif", tiffinfo={274: orientation}, compression="tiff_lzw")

    wide = [[value * 257 + 100 if value < 255 else 65535 for pixel in row for value in pixel] for row in rows(upright)]
    (HERE / "deep.png").write_bytes(png16(48, 32, 2, wide))
    grey = upright.convert("L")
    deep_grey = [[value * 257 for value in row] for row in rows(grey)]
    (HERE / "deep-grey.png").write_bytes(png16(48, 32, 0, deep_grey))
    save(Image.frombytes("I;16", (48, 32), b"".join(struct.pack("<48H", *row) for row in deep_grey)), "deep-grey.tif")
    save(grey, "grey.tif", compression="tiff_adobe_deflate")
    save(grey.convert("1"), "black-and-white.tif", compression="group4")
    save(upright.quantize(64), "palette.tif")
    save(upright.convert("CMYK"), "cmyk.tif")
    save(upright.convert("YCbCr"), "jpeg-in.tif", compression="jpeg", quality=95)
    see_through = upright.convert("RGBA")
    see_through.putalpha(grey)
    save(see_through, "see-through.tif")

    # Noise, so that there are many bytes to lose.
    large = Image.effect_noise((160, 120), 80).convert("RGB")
    for name, options in [("jpg", {"quality": 90}), ("progressive.jpg", {"quality": 90, "progressive": True}),
                          ("png", {}), ("gif", {}), ("webp", {"quality": 90}), ("bmp", {}), ("tif", {})]:
        whole = io.BytesIO()
        large.save(whole, {"jpg": "JPEG", "progressive.jpg": "JPEG", "tif": "TIFF"}.get(name, name.upper()), **options)
        (HERE / f"cut.{name}").write_bytes(whole.getvalue()[: len(whole.getvalue()) * 6 // 10])

    save(Image.new("RGB", (1, 1), (9, 90, 200)), "dot.png")
    save(Image.new("RGB", (1, 20000), (9, 90, 200)), "strip.png")
    save(Image.new("L", (10000, 10000), 77), "hundred-megapixels.png", compress_level=9)
    (HERE / "claims-too-much.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )
    (HERE / "empty.png").write_bytes(b"")
    frames = [Image.new("RGB", (40, 40), colour) for colour in [(200, 30, 30), (30, 200, 30), (30, 30, 200)]]
    for name in ["gif", "webp", "png"]:
        options = {"lossless": True} if name == "webp" else {}
        frames[0].save(HERE / f"moving.{name}", save_all=True, append_images=frames[1:], duration=100, **options)


def rows(image):
    pixels = list(image.getdata())
    return [pixels[at : at + image.width] for at in range(0, len(pixels), image.width)]


if __name__ == "__main__":
    main()
