// A contender: one runtime in a worker of its own, as an app would run it.
//
// A classic worker, since TensorFlow.js comes as scripts; the others are imported. Each engine takes crops as it likes them
// best, made ready before the clock starts: Hone the bytes, the others floats.

"use strict";

const SIDE = 224;

const scaled = (byte) => (byte - 127.5) / 127.5;

async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function hone(integers) {
  const [engine, weights] = await Promise.all([
    import("/engine/bench_engine.js").then(async (module) => (await module.default(), module)),
    bytes("/models/lite0.safetensors"),
  ]);
  const network = new engine.Network(weights, integers);
  return { engine, prepare: (crop) => crop, embed: (crop) => network.embed(crop) };
}

async function onnxruntime(threads) {
  const [ort, model] = await Promise.all([import("/ort/ort.wasm.min.mjs"), bytes("/peers/lite0.onnx")]);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = "/ort/";
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const prepare = (crop) => {
    const plane = SIDE * SIDE;
    const values = Float32Array.from({ length: 3 * plane }, (_, at) => scaled(crop[(at % plane) * 3 + Math.floor(at / plane)]));
    return new ort.Tensor("float32", values, [1, 3, SIDE, SIDE]);
  };
  return { prepare, embed: async (image) => (await session.run({ image })).embedding.data };
}

async function tensorflow() {
  importScripts("/tfjs/tf.min.js", "/tfjs-wasm/tf-backend-wasm.min.js");
  tf.wasm.setWasmPaths("/tfjs-wasm/");
  // One thread: its build with SIMD and without threads.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  await tf.setBackend("wasm");
  await tf.ready();
  const model = await tf.loadGraphModel("/peers/model.json");
  const prepare = (crop) => tf.tensor(Float32Array.from(crop, scaled), [1, SIDE, SIDE, 3]);
  const embed = (image) => {
    const output = model.execute({ image });
    const embedding = output.dataSync();
    output.dispose();
    return embedding;
  };
  return { prepare, embed };
}

const ENGINES = {
  hone: () => hone(true),
  "hone-float": () => hone(false),
  onnxruntime: () => onnxruntime(1),
  "onnxruntime-2": () => onnxruntime(2),
  tfjs: tensorflow,
  // These bring what they answer.
  "hone-core": async () => ({ answers: await (await import("/hone.js")).load() }),
  minilm: async () => ({ answers: await (await import("/minilm.js")).load() }),
  photos: async () => ({ answers: await (await import("/photos.js")).load() }),
};

let contender;
let crops = [];

const now = () => performance.timeOrigin + performance.now();

const ANSWERS = {
  async start({ engine }) {
    contender = await ENGINES[engine]();
  },

  crops(question) {
    crops = question.crops.map(contender.prepare);
  },

  // Embeds `count` crops, one after the other, from `first` on and over again; says when that began and ended.
  async embed({ count, first = 0 }) {
    const began = now();
    let last;
    for (let at = 0; at < count; at++) last = await contender.embed(crops[(first + at) % crops.length]);
    return { began, ended: now(), last: Float32Array.from(last) };
  },

  // Pictures by address, each with the part to look at (in shares of its sides) and whether to mirror it: decoded, cropped
  // and embedded as the app does it. Hone alone.
  async pictures({ list }) {
    const embeddings = new Float32Array(list.length * 1280);
    for (const [place, { address, left, top, part, mirrored }] of list.entries()) {
      const whole = await createImageBitmap(await (await fetch(address)).blob());
      const [width, height] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * part)));
      const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      if (mirrored) {
        context.translate(width, 0);
        context.scale(-1, 1);
      }
      context.drawImage(whole, -Math.round(left * (whole.width - width)), -Math.round(top * (whole.height - height)));
      whole.close();
      const { data } = context.getImageData(0, 0, width, height);
      embeddings.set(contender.embed(contender.engine.crop(new Uint8Array(data.buffer), width, height)), place * 1280);
    }
    return embeddings;
  },

  // Trains a head from nothing until its objective is at most `target`, or, without one, to the optimum. Hone alone.
  train({ features, classes, c, target }) {
    const began = now();
    const training = new contender.engine.Training(features, 1280, classes, c, target === undefined ? 1e-7 : 0);
    while (training.step(1) && !(training.loss() <= target)) {
      // On, one chunk of rows at a time.
    }
    const answer = { milliseconds: now() - began, loss: training.loss(), iterations: training.iterations() };
    training.free();
    return answer;
  },

  // The same by Adam over all rows at once; `features` are centred and scaled. TensorFlow.js alone.
  async adam({ features, classes, c, target, rate, steps }) {
    const rows = classes.length;
    const count = Math.max(...classes) + 1;
    const x = tf.tensor2d(features, [rows, 1280]);
    const y = tf.oneHot(tf.tensor1d(Int32Array.from(classes), "int32"), count).cast("float32");
    const weights = tf.variable(tf.zeros([1280, count]), true, "weights");
    const bias = tf.variable(tf.zeros([1, count]), true, "bias");
    const optimizer = tf.train.adam(rate);
    const penalty = tf.scalar(1 / (c * rows));
    // The gradient written out: automatic differentiation computes the same by more operations.
    const step = (wantLoss) => tf.tidy(() => {
      const logits = tf.add(tf.matMul(x, weights), bias);
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const exponents = tf.exp(shifted);
      const sums = tf.sum(exponents, 1, true);
      let loss;
      if (wantLoss) {
        const likelihood = tf.sub(tf.log(sums), tf.sum(tf.mul(shifted, y), 1, true));
        loss = tf.add(tf.mean(likelihood), tf.mul(tf.div(penalty, 2), tf.sum(tf.square(weights)))).dataSync()[0];
      }
      const residuals = tf.div(tf.sub(tf.div(exponents, sums), y), rows);
      const slope = tf.add(tf.matMul(x, residuals, true, false), tf.mul(weights, penalty));
      optimizer.applyGradients({ weights: slope, bias: tf.sum(residuals, 0, true) });
      return loss;
    });
    let loss = Infinity;
    let done = 0;
    const began = now();
    while (done < steps && !(loss <= target)) {
      // Looking costs little, and steps beyond the target would be unfair.
      loss = step(done % 5 === 0) ?? loss;
      done++;
    }
    const milliseconds = now() - began;
    for (const tensor of [x, y, weights, bias, penalty, optimizer]) tensor.dispose();
    return { milliseconds, loss, iterations: done };
  },
};

onmessage = async ({ data }) => {
  try {
    const answers = contender?.answers ?? ANSWERS;
    postMessage({ answer: await answers[data.question](data) });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};
