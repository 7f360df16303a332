// Serves the benchmark's page to a headless Chromium, lets scikit-learn train on the same rows, has the app itself driven, and
// writes the results.
//
// Usage: node run.mjs SETTINGS.json, which `cargo xtask bench` writes: where things are, and how often to measure.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { promisify } from "node:util";
import { report } from "./report.mjs";

const settings = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const { places } = settings;

const ROUTES = {
  "/engine/": places.engine,
  "/models/": path.join(places.root, "public/models"),
  "/peers/": places.peers,
  "/golden/": path.join(places.root, "tests/golden/features"),
  "/ort/": path.join(places.modules, "onnxruntime-web/dist"),
  "/tfjs/": path.join(places.modules, "@tensorflow/tfjs/dist"),
  "/tfjs-wasm/": path.join(places.modules, "@tensorflow/tfjs-backend-wasm/dist"),
  "/pictures/": places.pictures,
  "/demo/": path.join(places.root, "public/demo"),
  ...(places.minilm && {
    "/minilm/": places.minilm,
    "/transformers/": places.transformers,
    "/ort-of-transformers/": places.ortOfTransformers,
  }),
  "/": path.join(places.root, "benches/page"),
};

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

// onnxruntime's threads need a page that is isolated; nothing is cached, so that a cold start is one.
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

function fileOf(address) {
  const [prefix, folder] = Object.entries(ROUTES).find(([prefix]) => address.startsWith(prefix));
  const file = path.join(folder, address === "/" ? "index.html" : decodeURIComponent(address.slice(prefix.length)));
  return file.startsWith(folder) && fs.existsSync(file) ? file : undefined;
}

// A number generator with a seed (Vigna's splitmix, 32 bits), so that every run sees the same pictures.
function generator(seed) {
  return () => {
    seed = (seed + 0x9e3779b9) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

// As many parts of pictures as the largest training needs: each picture once as it is, then random parts of it. A picture's
// folder is its class.
function pictures(count) {
  const random = generator(7);
  const classes = fs.readdirSync(places.pictures).filter((name) => fs.statSync(path.join(places.pictures, name)).isDirectory()).sort();
  const files = classes.flatMap((name, label) =>
    fs.readdirSync(path.join(places.pictures, name)).map((file) => ({ address: `/pictures/${name}/${encodeURIComponent(file)}`, label })));
  for (let at = files.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [files[at], files[other]] = [files[other], files[at]];
  }
  return Array.from({ length: count }, (_, at) => ({
    ...files[at % files.length],
    ...(at < files.length
      ? { left: 0, top: 0, part: 1, mirrored: false }
      : { left: random(), top: random(), part: 0.5 + 0.4 * random(), mirrored: random() < 0.5 }),
  }));
}

// The shapes of the photos that the app imports, width first, and how often each comes in twenty: pictures from the web, small
// and large, and a phone's. A third of them stand upright.
const SHAPES = [[640, 480, 5], [1024, 768, 8], [1600, 1200, 5], [4000, 3000, 2]];
const SHAPE_OF_TWENTY = SHAPES.flatMap(([width, height, times]) => Array(times).fill([width, height]));

// Photos to import: each is a random part of one of the demo's photos, no two alike.
function photos() {
  const random = generator(23);
  const demo = path.join(places.root, "public/demo/photos");
  const files = fs.readdirSync(demo, { recursive: true }).map(String).filter((file) => file.endsWith(".webp")).sort();
  fs.mkdirSync(settings.photos.folder, { recursive: true });
  return Array.from({ length: settings.photos.count }, (_, at) => {
    const sides = SHAPE_OF_TWENTY[Math.floor(random() * SHAPE_OF_TWENTY.length)];
    const [width, height] = random() < 1 / 3 ? [sides[1], sides[0]] : sides;
    const file = files[Math.floor(random() * files.length)];
    const name = `photo-${String(at).padStart(4, "0")}.${path.dirname(file)}.jpg`;
    return {
      name, width, height, address: `/demo/photos/${file.split(path.sep).map(encodeURIComponent).join("/")}`,
      left: random(), top: random(), part: 0.6 + 0.4 * random(), mirrored: random() < 0.5,
      quality: 0.85, grain: 6, seed: at * 7919 + 1, there: fs.existsSync(path.join(settings.photos.folder, name)),
    };
  });
}

function body(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => resolve(Buffer.concat(parts))).on("error", reject);
  });
}

let finished;
const measured = new Promise((resolve, reject) => (finished = { resolve, reject }));

async function receive(request) {
  const content = await body(request);
  if (request.url === "/say") console.log(content.toString());
  else if (request.url === "/result") finished.resolve(JSON.parse(content));
  else if (request.url === "/failed") finished.reject(new Error(content.toString()));
  else if (request.url.startsWith("/photo/")) {
    // Whole or not at all: what is there is not made again.
    const file = path.join(settings.photos.folder, path.basename(request.url));
    fs.writeFileSync(`${file}.part`, content);
    fs.renameSync(`${file}.part`, file);
  } else if (request.url.startsWith("/data/")) fs.writeFileSync(path.join(places.work, path.basename(request.url)), content);
}

const generated = {
  "/settings.json": () => settings,
  "/photos.json": photos,
  "/pictures.json": () => pictures(Math.max(...settings.rows)),
};

const server = http.createServer(async (request, response) => {
  const address = request.url.split("?")[0];
  if (request.method === "POST") {
    await receive(request);
    response.writeHead(204, HEADERS).end();
  } else if (generated[address]) {
    response.writeHead(200, { ...HEADERS, "Content-Type": "application/json" }).end(JSON.stringify(generated[address]()));
  } else {
    const file = fileOf(address);
    if (!file) return response.writeHead(404, HEADERS).end();
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...HEADERS, "Content-Type": type }).end(fs.readFileSync(file));
  }
});

async function inTheBrowser() {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "hone-bench-"));
  const browser = spawn(places.chromium, [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`,
  ], { stdio: "ignore" });
  browser.on("exit", () => finished.reject(new Error("the browser ended before the benchmark did")));
  try {
    return await measured;
  } finally {
    browser.removeAllListeners("exit");
    const ended = new Promise((resolve) => browser.on("exit", resolve));
    browser.kill();
    await ended;
    server.closeAllConnections();
    server.close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function natively(result) {
  const threads = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];
  const env = { ...process.env, ...Object.fromEntries(threads.map((name) => [name, "1"])) };
  for (const [rows, size] of Object.entries(result.heads)) {
    console.log(`scikit-learn on ${rows} rows`);
    const data = ["features", "classes"].map((name) => path.join(places.work, `${name}-${rows}`));
    const script = path.join(places.root, "benches/head.py");
    const { stdout } = await promisify(execFile)(places.python, ["-B", script, ...data, settings.c, size.target], { env });
    size.sklearn = JSON.parse(stdout);
    data.forEach((file) => fs.rmSync(file));
  }
}

// The app itself, driven by `tests/e2e`; its last line is the result. What it says on the way is shown.
function app() {
  console.log("the app: cold starts, an import, labels");
  return new Promise((resolve, reject) => {
    const { program, site } = settings.app;
    const counts = Object.entries(settings.app.counts).flatMap(([name, count]) => [`--${name}`, String(count)]);
    const driven = spawn(program, ["--dist", site, "--measure", settings.photos.folder, ...counts], {
      env: { ...process.env, CHROME: places.chromium, CHROMEDRIVER: places.driver }, stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    driven.stdout.on("data", (part) => (said += part));
    driven.on("error", reject).on("close", (code) => {
      const last = said.trim().split("\n").at(-1);
      if (code === 0) resolve(JSON.parse(last));
      else reject(new Error(`driving the app failed: ${last}`));
    });
  });
}

// What each needs before its first embedding, as files and as brotli would send them.
function bytes() {
  const parts = {
    hone: ["/engine/bench_engine.js", "/engine/bench_engine_bg.wasm", "/models/lite0.safetensors"],
    tfjs: ["/tfjs/tf.min.js", "/tfjs-wasm/tf-backend-wasm.min.js", "/tfjs-wasm/tfjs-backend-wasm-simd.wasm", "/peers/model.json", "/peers/weights.bin"],
    onnxruntime: ["/ort/ort.wasm.min.mjs", "/ort/ort-wasm-simd-threaded.mjs", "/ort/ort-wasm-simd-threaded.wasm", "/peers/lite0.onnx"],
  };
  const isWeights = (address) => /\.(safetensors|onnx|bin)$/.test(address);
  const options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 9 } };
  const size = (addresses) => {
    const files = addresses.map((address) => fs.readFileSync(fileOf(address)));
    return {
      raw: files.reduce((sum, file) => sum + file.length, 0),
      brotli: files.reduce((sum, file) => sum + zlib.brotliCompressSync(file, options).length, 0),
    };
  };
  return Object.fromEntries(Object.entries(parts).map(([name, addresses]) => [name, {
    code: size(addresses.filter((address) => !isWeights(address))),
    weights: size(addresses.filter(isWeights)),
  }]));
}

// The embeddings of the golden crops by an independent implementation.
function reference({ golden }) {
  const all = new Float32Array(new Uint8Array(fs.readFileSync(fileOf("/golden/lite0-embeddings.f32"))).buffer);
  return golden.map((place) => Array.from(all.subarray(place * 1280, (place + 1) * 1280)));
}

// Hone's must have the very bits that it computes natively.
function checkBits({ golden, images }) {
  const bits = JSON.parse(fs.readFileSync(fileOf("/golden/lite0-bits.json"), "utf8"));
  for (const [at, place] of golden.entries()) {
    const digest = createHash("sha256").update(new Uint8Array(Float32Array.from(images.hone.embeddings[at]).buffer)).digest("hex");
    if (digest !== bits[place]) throw new Error(`crop ${place} has other bits here than natively`);
  }
}

const result = await inTheBrowser();
await natively(result);
result.bytes = bytes();
checkBits(result);
// What is left out says so in the results, here, and by the exit code.
const missing = settings.missing ? [settings.missing] : [];
try {
  result.app = await app();
  const sizes = fs.readdirSync(settings.photos.folder).map((file) => fs.statSync(path.join(settings.photos.folder, file)).size);
  result.app.photos = { count: sizes.length, mean_kilobytes: sizes.reduce((sum, size) => sum + size, 0) / sizes.length / 1024 };
} catch (error) {
  missing.push(String(error.message));
}
fs.writeFileSync(path.join(places.work, "measured.json"), JSON.stringify(result));
const { json, markdown } = report(result, reference(result), settings, missing);
fs.writeFileSync(path.join(places.results, "results.json"), JSON.stringify(json, null, 2) + "\n");
fs.writeFileSync(path.join(places.results, "results.md"), markdown);
console.log(markdown);
missing.forEach((problem) => console.error(`error: not measured: ${problem}`));
process.exitCode = missing.length > 0 ? 1 : 0;
