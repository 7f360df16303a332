// From a label to a new queue, and the scoring of a large pool.

import { Contender } from "./contender.js";

const COLUMNS = 1280;

// More embeddings of the same kind: beyond the real ones, points between two real ones of a class, at random weights.
function grown(features, classes, rows) {
  const count = classes.length;
  const byClass = Map.groupBy(classes.keys(), (row) => classes[row]);
  let seed = 11;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const all = new Float32Array(rows * COLUMNS);
  all.set(features.subarray(0, Math.min(rows, count) * COLUMNS));
  const labels = Uint32Array.from({ length: rows }, (_, row) => classes[row % count]);
  for (let row = count; row < rows; row++) {
    const own = byClass.get(labels[row]);
    const [one, other] = [random(), random()].map((share) => own[Math.floor(share * own.length)] * COLUMNS);
    const weight = random();
    for (let column = 0; column < COLUMNS; column++) {
      all[row * COLUMNS + column] = weight * features[one + column] + (1 - weight) * features[other + column];
    }
  }
  return { features: all, classes: labels };
}

export async function labelling(settings, features, classes) {
  const { labelled, pool, labels, pace, settle } = settings.labelling;
  const data = grown(features, classes, labelled + pool);
  const hone = await Contender.start("hone-core");
  const answer = await hone.ask("labelling", { ...data, labelled, labels, pace, settle }, [data.features.buffer]);
  hone.stop();
  return { real: Math.min(classes.length, labelled + pool), labelled, pool, pace, ...answer };
}

export async function scoring(settings, features, classes) {
  // Five classes, or ten, made ten.
  const count = Math.max(...classes) + 1;
  const ten = classes.map((label, row) => (count === 5 ? label * 2 + (row % 2) : label));
  const hone = await Contender.start("hone-core");
  const some = 1000;
  const answer = await hone.ask("scoring", {
    features: features.slice(0, some * COLUMNS), classes: ten.slice(0, some), pool: settings.scoringPool, rounds: settings.rounds,
  });
  hone.stop();
  return { pool: settings.scoringPool, ...answer };
}
