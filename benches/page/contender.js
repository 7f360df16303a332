// The page's side of a contender: a worker that answers one question at a time.

export class Contender {
  #worker;
  #waiting;

  // The engines are those of `worker.js`.
  static async start(engine) {
    const contender = new Contender();
    contender.#worker = new Worker("worker.js");
    contender.#worker.onmessage = ({ data }) => {
      if (data.error) contender.#waiting.reject(new Error(`${engine}: ${data.error}`));
      else contender.#waiting.resolve(data.answer);
    };
    contender.#worker.onerror = (event) => contender.#waiting.reject(new Error(`${engine}: ${event.message}`));
    await contender.ask("start", { engine });
    return contender;
  }

  ask(question, details = {}, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage({ question, ...details }, transfer);
    });
  }

  stop() {
    this.#worker.terminate();
  }
}

// The crops of the golden tests, 224 × 224 × 3 bytes each: every other one is in the repository.
export const GOLDEN = [0, 2, 4, 6];

export async function referenceCrops(count = GOLDEN.length) {
  return Promise.all(GOLDEN.slice(0, count).map(async (place) => {
    const response = await fetch(`/golden/crop-${place}.png`);
    // As the bytes are: no colour profile, no alpha.
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const picture = await createImageBitmap(await response.blob(), options);
    const context = new OffscreenCanvas(224, 224).getContext("2d");
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, 224, 224);
    return Uint8Array.from({ length: 224 * 224 * 3 }, (_, at) => data[Math.floor(at / 3) * 4 + (at % 3)]);
  }));
}
