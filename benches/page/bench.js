// Runs the contenders alternately and sends what came of it to the server.

import { Contender, GOLDEN, referenceCrops } from "./contender.js";
import { labelling, scoring } from "./labelling.js";
import { makePhotos } from "./photos_page.js";
import { table, texts } from "./texts.js";

// Crops a contender embeds in a row: enough to be in its stride, few enough that all share the machine's moods.
const IN_A_ROW = 8;

const CONTENDERS = [
  { name: "hone", engines: ["hone"] },
  { name: "hone_float", engines: ["hone-float"] },
  { name: "tfjs", engines: ["tfjs"] },
  { name: "onnxruntime", engines: ["onnxruntime"] },
  { name: "onnxruntime_2_threads", engines: ["onnxruntime-2"] },
  { name: "hone_2_workers", engines: ["hone", "hone"] },
];

const settings = await (await fetch("/settings.json")).json();

const say = (text) => fetch("/say", { method: "POST", body: text });

// Every contender in turn, `rounds` times after two that do not count; milliseconds an image, and the embeddings.
async function embedding(crops) {
  const running = [];
  for (const { name, engines } of CONTENDERS) {
    await say(`starting ${name}`);
    const workers = await Promise.all(engines.map(Contender.start));
    await Promise.all(workers.map((worker) => worker.ask("crops", { crops })));
    running.push({ name, workers, times: [], embeddings: [] });
  }
  for (const contender of running) {
    for (const first of crops.keys()) {
      contender.embeddings.push(Array.from((await contender.workers[0].ask("embed", { count: 1, first })).last));
    }
  }
  for (let round = -2; round < settings.rounds; round++) {
    for (const { workers, times } of running) {
      const answers = await Promise.all(workers.map((worker) => worker.ask("embed", { count: IN_A_ROW })));
      const began = Math.min(...answers.map((answer) => answer.began));
      const ended = Math.max(...answers.map((answer) => answer.ended));
      if (round >= 0) times.push((ended - began) / (IN_A_ROW * workers.length));
    }
  }
  for (const { workers } of running) workers.forEach((worker) => worker.stop());
  return Object.fromEntries(running.map(({ name, times, embeddings }) => [name, { times, embeddings }]));
}

// From a page's navigation to its first embedding, with nothing cached; engines in turn.
async function coldStarts() {
  const times = { hone: [], tfjs: [], onnxruntime: [] };
  for (let round = 0; round < settings.coldRounds; round++) {
    for (const [engine, list] of Object.entries(times)) {
      const frame = document.createElement("iframe");
      const heard = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data.cold), { once: true }));
      frame.src = `cold.html?engine=${engine}`;
      document.body.append(frame);
      list.push(await heard);
      frame.remove();
    }
  }
  return times;
}

// Embeddings of parts of the pictures, drawn as the server says: rows × 1280. Two workers share them.
async function embedPictures(list) {
  const workers = await Promise.all(["hone", "hone"].map(Contender.start));
  const features = new Float32Array(list.length * 1280);
  const PORTION = 50;
  let next = 0;
  const began = performance.now();
  await Promise.all(workers.map(async (worker) => {
    while (next < list.length) {
      const from = next;
      next += PORTION;
      features.set(await worker.ask("pictures", { list: list.slice(from, from + PORTION) }), from * 1280);
    }
  }));
  const milliseconds = performance.now() - began;
  workers.forEach((worker) => worker.stop());
  return { features, milliseconds };
}

// Centred, and scaled so that the mean squared distance from the mean is 1: what Hone does within its measured time.
function unitSpread(features, rows) {
  const columns = 1280;
  const mean = new Float64Array(columns);
  for (let at = 0; at < rows * columns; at++) mean[at % columns] += features[at] / rows;
  const centred = Float32Array.from({ length: rows * columns }, (_, at) => features[at] - mean[at % columns]);
  const spread = centred.reduce((sum, value) => sum + value * value, 0) / (rows - 1);
  return centred.map((value) => value / Math.sqrt(spread));
}

async function heads(features, allClasses) {
  const results = {};
  const c = settings.c;
  for (const rows of settings.rows) {
    await say(`training on ${rows} rows`);
    const [some, classes] = [features.slice(0, rows * 1280), allClasses.slice(0, rows)];
    const spread = unitSpread(some, rows);
    const send = (name, body) => fetch(`/data/${name}-${rows}`, { method: "POST", body });
    await Promise.all([send("features", spread), send("classes", classes)]);
    const hone = await Contender.start("hone");
    const optimum = await hone.ask("train", { features: some, classes, c });
    const target = optimum.loss * (1 + settings.excess);
    const ours = [];
    const measure = async () => ours.push(await hone.ask("train", { features: some, classes, c, target }));
    for (let round = 0; round < settings.headRounds; round++) await measure();
    const tfjs = await Contender.start("tfjs");
    const theirs = [];
    for (const rate of settings.rates) {
      const most = theirs.length > 0 ? Math.min(...theirs.map((run) => run.iterations)) * 2 : settings.steps;
      const run = await tfjs.ask("adam", { features: spread, classes, c, target, rate, steps: most });
      await say(`Adam at ${rate}: ${Math.round(run.milliseconds)} ms, ${run.iterations} steps, ${run.loss} of ${target}`);
      if (run.loss <= target) theirs.push({ rate, ...run });
      await measure();
    }
    hone.stop();
    tfjs.stop();
    results[rows] = { optimum: optimum.loss, target, hone: ours, tfjs: theirs };
  }
  return results;
}

async function main() {
  await say("photos to import");
  const photos = await makePhotos(settings);
  const crops = await referenceCrops();
  const images = await embedding(crops);
  await say("cold starts");
  const cold = await coldStarts();
  const list = await (await fetch("/pictures.json")).json();
  await say(`embedding ${list.length} pictures`);
  const { features, milliseconds } = await embedPictures(list);
  const classes = Uint32Array.from(list, ({ label }) => label);
  const pictures = { count: list.length, milliseconds };
  const sizes = await heads(features, classes);
  await say("from a label to a new queue");
  const queue = await labelling(settings, features, classes);
  await say("scoring a pool");
  const scored = await scoring(settings, features, classes);
  await say("sentences");
  const sentences = await texts(settings, say);
  await say("table rows");
  const rows = await table(settings);
  const machine = { browser: navigator.userAgent, cores: navigator.hardwareConcurrency };
  return { photos, images, cold, golden: GOLDEN, pictures, heads: sizes, labelling: queue, scoring: scored, texts: sentences, table: rows, ...machine };
}

main().then(
  (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }),
  (error) => fetch("/failed", { method: "POST", body: String(error?.stack ?? error) }),
);
