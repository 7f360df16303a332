// What a worker answers with Hone's pipeline and session: labelling, scoring, texts and tables.

import * as engine from "/engine/bench_pipeline.js";

const COLUMNS = 1280;

async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// Milliseconds of each of so many calls.
function timed(rounds, call) {
  return Array.from({ length: rounds }, () => {
    const began = performance.now();
    call();
    return performance.now() - began;
  });
}

let texts;
let encoded;

const ANSWERS = {
  // Labels so many cards: from the decision to the new queue, in the order and with the pauses of the session worker's loop
  // (src/worker/serve.rs). A person thinks for `pace` milliseconds before the next one, and background work goes on meanwhile.
  // Milliseconds: all of it, the decision alone (stored and learnt at once), and each slice until the queue was there; then
  // the slices of the work in between.
  async labelling({ features, classes, labelled, labels, pace, settle }) {
    const session = await engine.Labelling.create(features, COLUMNS, classes, labelled, Date.now());
    const background = [];
    const slice = async (into) => {
      const began = performance.now();
      const outcome = await session.slice(Date.now());
      into.push(performance.now() - began);
      return outcome;
    };
    const workFor = async (milliseconds) => {
      const until = performance.now() + milliseconds;
      while (performance.now() < until && (await slice(background)) !== engine.Slice.Idle) await session.pause();
    };
    // What opening a project of this size brings with it, the model first.
    await workFor(settle ?? Infinity);
    const before = background.length;
    const rounds = [];
    for (let label = 0; label < labels; label++) {
      const slices = [];
      const began = performance.now();
      await session.label(Date.now());
      const decided = performance.now() - began;
      while ((await slice(slices)) !== engine.Slice.NewQueue) await session.pause();
      rounds.push({ all: performance.now() - began, decided, slices });
      await workFor(pace);
    }
    session.free();
    const training = background.slice(before);
    return { rounds, training: { slices: training.length, longest: Math.max(...training) } };
  },

  scoring({ features, classes, pool, rounds }) {
    const scoring = new engine.Scoring(features, COLUMNS, classes, pool);
    const answer = { classes: scoring.classes() };
    const check = scoring.score();
    if (Math.abs(check / pool - 1) > 1e-3) throw new Error(`the probabilities of ${pool} rows add up to ${check}`);
    answer.times = timed(rounds, () => scoring.score());
    scoring.free();
    return answer;
  },

  async loadTexts() {
    const [weights, tokenizer] = await Promise.all(["text.safetensors", "text-tokenizer.bin"].map((name) => bytes(`/models/${name}`)));
    texts = new engine.Texts(weights, tokenizer);
  },

  // Milliseconds that all sentences took.
  embedTexts({ sentences }) {
    encoded?.free();
    const began = performance.now();
    encoded = texts.encode(sentences);
    return performance.now() - began;
  },

  // Accuracies by number of labels, one a seed: of the features that were embedded last, or of others.
  accuracy({ features, columns, classes, labels, seeds, forTexts }) {
    const data = features ? engine.Labelled.dense(features, columns, classes) : engine.Labelled.texts(encoded, classes);
    if (!features) encoded = undefined;
    const ofSeeds = (count) => Array.from({ length: seeds }, (_, seed) => data.accuracy(count, seed, forTexts));
    const answer = Object.fromEntries(labels.map((count) => [count, ofSeeds(count)]));
    data.free();
    return answer;
  },

  // From a file's bytes to cells, and from cells to features.
  table({ file, rounds }) {
    const table = new engine.Table(file.slice(0, 65_536), file.length);
    const rows = table.read(file);
    const answer = { rows, columns: table.encode() };
    answer.read = timed(rounds, () => table.read(file));
    answer.encode = timed(rounds, () => table.encode());
    table.free();
    return answer;
  },
};

export async function load() {
  await engine.default();
  return ANSWERS;
}
