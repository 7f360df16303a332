// Measurements to results: medians, ratios, and whether all contenders computed the same.

import os from "node:os";
import { appPart, queuePart, scoringPart, tablePart, textPart } from "./report_parts.mjs";
import { cells, number, round, summary, table } from "./report_tools.mjs";

function cosine(a, b) {
  const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

// Below this, contenders did not run the same network.
const LEAST_COSINE = 0.999;
// A contender whose slowest round takes this many times its median shared the machine with something else.
const QUIET = 1.3;

const NAMES = {
  hone: "Hone, 1 worker",
  hone_float: "Hone in 32-bit floats, 1 worker",
  tfjs: "TensorFlow.js (wasm, SIMD), 1 thread",
  onnxruntime: "onnxruntime-web (wasm, SIMD), 1 thread",
  onnxruntime_2_threads: "onnxruntime-web, 2 threads (isolated page)",
  hone_2_workers: "Hone, 2 workers",
};

/// The results as data and as a page.
export function report(result, reference, settings, missing) {
  const images = {};
  for (const [name, { times, embeddings }] of Object.entries(result.images)) {
    const least = Math.min(...embeddings.map((embedding, place) => cosine(embedding, reference[place])));
    if (!(least >= LEAST_COSINE)) throw new Error(`${name} computes something else: cosine ${least}`);
    images[name] = { ...summary(times), cosine: least };
  }
  const cold = Object.fromEntries(Object.entries(result.cold).map(([name, times]) => [name, summary(times)]));
  const heads = {};
  for (const [rows, size] of Object.entries(result.heads)) {
    const { hone, tfjs, sklearn, optimum, target } = size;
    if (tfjs.length === 0) throw new Error(`Adam reached the objective at none of its rates, on ${rows} rows`);
    if (hone.some((run) => run.loss > target) || sklearn.loss > target) throw new Error("an objective was missed");
    const best = tfjs.reduce((best, run) => (run.milliseconds < best.milliseconds ? run : best));
    heads[rows] = {
      objective: round(optimum, 8),
      hone: { ...summary(hone.map((run) => run.milliseconds)), iterations: hone[0].iterations },
      sklearn: { ...summary(sklearn.times), iterations: sklearn.iterations, version: sklearn.version },
      tfjs: { median: best.milliseconds, iterations: best.iterations, rate: best.rate },
    };
  }
  const over = (peer, ours) => round(peer.median / ours.median, 3);
  // Of the sizes, the one where we come off worst.
  const worst = (peer) => Math.min(...Object.values(heads).map((head) => over(head[peer], head.hone)));
  const ratios = {
    tfjs_1_thread: over(images.tfjs, images.hone),
    onnxruntime_web_1_thread: over(images.onnxruntime, images.hone),
    onnxruntime_web_2_threads: over(images.onnxruntime_2_threads, images.hone_2_workers),
    sklearn_head: worst("sklearn"),
    tfjs_head: worst("tfjs"),
  };
  const noisy = Object.entries(images).filter(([, { median, max }]) => max > QUIET * median).map(([name]) => NAMES[name]);
  const machine = {
    processor: os.cpus()[0]?.model.trim(),
    cores: result.cores,
    system: os.platform(),
    browser: result.browser.match(/(Headless)?Chrom\w*\/\d+/)?.[0] ?? result.browser,
  };
  const { count, milliseconds } = result.pictures;
  const pictures = { count, per_second: round(count / (milliseconds / 1000), 3) };
  const versions = settings.versions;
  const parts = {
    labelling: queuePart(result.labelling),
    scoring: scoringPart(result.scoring),
    texts: textPart(result.texts),
    table: tablePart(result.table),
    app: appPart(result.app),
  };
  const jsonOf = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part?.json]));
  const { quick } = settings;
  const json = { ratios, machine, versions, quick, missing, noisy, images, cold, heads, pictures, bytes: result.bytes, ...jsonOf };
  const sections = Object.values(parts).filter(Boolean).map((part) => part.markdown);
  return { json, markdown: [page(json), ...sections].join("\n") };
}

function page({ ratios, machine, versions, quick, missing, noisy, images, cold, heads, pictures, bytes }) {
  const megabytes = (size) => (size / 2 ** 20).toFixed(2);
  const imageRows = Object.entries(images).map(([name, times]) => [NAMES[name], cells(times), times.cosine.toFixed(6)]);
  const coldNames = { hone: "Hone", tfjs: "TensorFlow.js", onnxruntime: "onnxruntime-web" };
  const coldRows = Object.entries(cold).map(([name, times]) => {
    const { code, weights } = bytes[name];
    return [coldNames[name], cells(times), ...[code, weights].map((part) => `${megabytes(part.raw)} (${megabytes(part.brotli)})`)];
  });
  const headRows = Object.entries(heads).flatMap(([rows, { hone, sklearn, tfjs }]) => [
    [rows, "Hone (wasm, L-BFGS, centring included)", cells(hone), hone.iterations, ""],
    [rows, `scikit-learn ${sklearn.version} (native, L-BFGS, 1 thread)`, cells(sklearn), sklearn.iterations, `${(sklearn.median / hone.median).toFixed(2)} ×`],
    [rows, `TensorFlow.js (wasm, Adam at ${tfjs.rate})`, `${number(tfjs.median)} |`, tfjs.iterations, `${(tfjs.median / hone.median).toFixed(1)} ×`],
  ]);
  return `# Results

Written by \`cargo xtask bench${quick ? " --quick" : ""}\`; [README.md](README.md) says what is measured and how. Absolute times are this
machine's (${machine.processor}, ${machine.cores} cores, ${machine.system}, ${machine.browser}); the ratios are what counts.
onnxruntime-web ${versions["onnxruntime-web"]}, @tensorflow/tfjs ${versions["@tensorflow/tfjs"]}.
${noisy.length ? `\n**Noisy run**: something else used the machine while ${noisy.join("; ")} was measured.\n` : ""}${missing.map((problem) => `\n**Not measured**: ${problem}\n`).join("")}
## Ratios, peer ÷ Hone

${table(["peer", "ratio"], [
    ["TensorFlow.js, 1 thread", `${ratios.tfjs_1_thread} ×`],
    ["onnxruntime-web, 1 thread", `${ratios.onnxruntime_web_1_thread} ×`],
    ["onnxruntime-web, 2 threads, to Hone with 2 workers", `${ratios.onnxruntime_web_2_threads} ×`],
    ["training a head: native scikit-learn (the worse size)", `${ratios.sklearn_head} ×`],
    ["training a head: TensorFlow.js (the worse size)", `${ratios.tfjs_head} ×`],
  ])}
## One image

Milliseconds an image, ${images.hone.rounds} rounds in turn; the cosine is the least with the reference embeddings.

${table(["", "median", "min–max", "cosine"], imageRows)}
## A cold start

From navigation to the first embedding, nothing cached, everything on this machine: milliseconds, ${cold.hone.rounds} rounds in turn. MB as
files, and as brotli.

${table(["", "median", "min–max", "code", "weights"], coldRows)}
## Training a head

Real embeddings, 1280 columns, from nothing to within 0.1 % of the optimal objective; milliseconds.

${table(["rows", "", "median", "min–max", "iterations", "peer ÷ Hone"], headRows)}
The embeddings came from pictures that were fetched, decoded, cropped and embedded by two workers: ${pictures.count} at ${number(pictures.per_second)} a second.
`;
}
