// What a worker answers that makes photos to import.

// A part of a picture as a JPEG file of this size, with grain, without which a part that was scaled up would have little detail
// and be a small file. `grain` is the standard deviation of a pixel's brightness, of 255 levels.
async function photo({ address, left, top, part, mirrored, width, height, quality, grain, seed }) {
  const whole = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // The largest part of this shape that fits, times `part`.
  const scale = Math.min(whole.width / width, whole.height / height) * part;
  const [across, down] = [width * scale, height * scale];
  if (mirrored) {
    context.translate(width, 0);
    context.scale(-1, 1);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, left * (whole.width - across), top * (whole.height - down), across, down, 0, 0, width, height);
  whole.close();
  const image = context.getImageData(0, 0, width, height);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < image.data.length; at += 4) {
    // xorshift (Marsaglia, 2003); the sum of four bytes is as good as normal, with a deviation of 148.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const sum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24);
    const noise = ((sum - 510) / 148) * grain;
    image.data[at] += noise;
    image.data[at + 1] += noise;
    image.data[at + 2] += noise;
  }
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

export async function load() {
  return { photo: async ({ wanted }) => new Uint8Array(await (await photo(wanted)).arrayBuffer()) };
}
