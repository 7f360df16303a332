// Measures the command line natively: `hone score` on many short texts, rows a second and peak memory, and `hone train` with many
// classes; and, in the built site, how long until the first model of many classes. Adds its parts to the results.
//
// Usage: node score.mjs HONE WORK RESULTS ROWS ROUNDS [E2E SITE], as `cargo xtask bench` calls it: the built program, a folder for the
// texts, the folder with results.json and results.md; what drives the app, and the built site.

import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cells, number, round, summary, table } from "./report_tools.mjs";

const [hone, work, results, rowsAsked, roundsAsked, e2e, site] = process.argv.slice(2);
const ROWS = Number(rowsAsked);
const ROUNDS = Number(roundsAsked);
const TRAINED_ON = 1000;
const WORDS = 20;

// A number generator with a seed (Vigna's splitmix, 32 bits), so that every run sees the same texts.
function generator(seed) {
  return () => {
    seed = (seed + 0x9e3779b9) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

// The words of the demo's sentences, each once, in order.
function demoWords() {
  const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
  const demo = fs.readFileSync(path.join(root, "public/demo/sentences.csv"), "utf8");
  return [...new Set(demo.toLowerCase().match(/[a-z]{3,9}/g))].sort();
}

// Texts of about a hundred letters from the words of the demo's sentences, each class with words of its own.
function* texts() {
  const words = demoWords();
  const random = generator(7);
  for (let row = 0; row < ROWS; row++) {
    const positive = row % 2 === 0;
    const text = Array.from({ length: WORDS }, () => {
      const place = Math.floor(random() * words.length);
      // A tenth of the words tells the class.
      return words[place % 10 === 0 ? place - (place % 20) + (positive ? 0 : 10) : place] ?? "the";
    });
    yield `${text.join(" ")},${positive ? "positive" : "negative"}\n`;
  }
}

// Texts in many classes: nine in thirty words are of their class's ten, the others of any.
function* inClasses(classes, each) {
  const words = demoWords();
  const random = generator(11);
  const any = () => words[Math.floor(random() * words.length)];
  const own = Array.from({ length: classes }, () => Array.from({ length: 10 }, any));
  for (let row = 0; row < classes * each; row++) {
    const at = row % classes;
    const text = Array.from({ length: 12 }, () => (random() < 0.3 ? own[at][Math.floor(random() * 10)] : any()));
    yield `${text.join(" ")},class ${at}\n`;
  }
}

function write(file, lines) {
  const out = fs.openSync(file, "w");
  let open = "text,label\n";
  for (const line of lines) {
    open += line;
    if (open.length > 1 << 20) {
      fs.writeSync(out, open);
      open = "";
    }
  }
  fs.writeSync(out, open);
  fs.closeSync(out);
}

// Runs the program; its time in milliseconds and the largest resident size that it ever had in kilobytes (Linux alone).
function run(args) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(hone, args, { stdio: ["ignore", "ignore", "inherit"] });
    let peak = null;
    const look = setInterval(() => {
      try {
        const found = fs.readFileSync(`/proc/${child.pid}/status`, "utf8").match(/VmHWM:\s*(\d+) kB/);
        if (found) peak = Math.max(peak ?? 0, Number(found[1]));
      } catch {
        // It has ended, or there is no /proc.
      }
    }, 20);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearInterval(look);
      if (code === 0) resolve({ milliseconds: performance.now() - begun, peak });
      else reject(new Error(`hone ${args[0]} ended with ${code}`));
    });
  });
}

const file = (name) => path.join(work, name);
fs.mkdirSync(work, { recursive: true });
write(file("texts.csv"), texts());
const some = fs.readFileSync(file("texts.csv"), "utf8").split("\n", TRAINED_ON + 1);
fs.writeFileSync(file("train.csv"), some.join("\n") + "\n");
const megabytes = fs.statSync(file("texts.csv")).size / 2 ** 20;
await run(["train", file("train.csv"), "--label-column", "label", "--text-column", "text", "-o", file("model.zip")]);
const measured = [];
for (let at = 0; at < ROUNDS; at++) {
  measured.push(await run(["score", file("model.zip"), file("texts.csv"), "-o", file("scores.csv")]));
}
const scored = fs.readFileSync(file("scores.csv"), "utf8").split("\n").length - 2;
if (scored !== ROWS) throw new Error(`${scored} of ${ROWS} rows were scored`);
const inspected = await run(["inspect", file("texts.csv")]);

const speed = summary(measured.map(({ milliseconds }) => (ROWS * 1000) / milliseconds));
const peakOf = (peak) => (peak === null ? null : Math.round(peak / 1024));
const peak = peakOf(measured.reduce((most, { peak }) => (peak === null ? most : Math.max(most ?? 0, peak)), null));
const cores = os.availableParallelism();
const json = {
  unit: "rows/s", rows: ROWS, megabytes: round(megabytes), cores, score: speed, score_peak_mb: peak,
  inspect_per_second: Math.round((ROWS * 1000) / inspected.milliseconds), inspect_peak_mb: peakOf(inspected.peak),
};
const memory = (megabytes) => (megabytes === null ? "not known here" : `${megabytes} MB`);
const grouped = (count) => Math.round(count).toLocaleString("en");
const rows = [
  ["`hone score`, to a file", cells({ ...speed, median: Math.round(speed.median), min: Math.round(speed.min), max: Math.round(speed.max) }), memory(peak)],
  ["`hone inspect`", `${grouped(json.inspect_per_second)} |`, memory(json.inspect_peak_mb)],
];
const section = `## Scoring a file

${grouped(ROWS)} short texts (${number(megabytes)} MB), by the native command line on ${cores} cores, from the start of the program to its end, reading and writing
included; a model of ${grouped(TRAINED_ON)} of them. Rows a second, ${speed.rounds} rounds.

${table(["", "median", "min–max", "peak memory"], rows)}`;

const MANY = [[1000, 10], [300, 67]];
const trained = [];
for (const [classes, each] of MANY) {
  write(file("classes.csv"), inClasses(classes, each));
  const once = await run(["train", file("classes.csv"), "--label-column", "label", "--text-column", "text", "-o", file("classes.zip")]);
  trained.push({ classes, rows: classes * each, seconds: round(once.milliseconds / 1000), peak_mb: peakOf(once.peak) });
}
const ofTraining = `## Training with many classes

Generated texts of twelve words, \`hone train\` on ${cores} cores from the start of the program to its end: the fit and its five folds. Once each.

${table(["classes", "texts", "seconds", "peak memory"], trained.map(({ classes, rows, seconds, peak_mb }) => [grouped(classes), grouped(rows), number(seconds), memory(peak_mb)]))}`;

// The app's part; what was measured before stays if there is no site to drive.
const first = e2e ? JSON.parse(execFileSync(e2e, ["--dist", site, "--measure-texts"], { encoding: "utf8" }).trim().split("\n").at(-1)) : null;
const ofFirst = first && `## The first model of many classes

${grouped(first.texts)} generated texts of twelve words in ${grouped(first.classes)} classes, imported into the built site in Chromium. Seconds, once each.

${table(["", "seconds"], [
    ["import", number(first.imported_s)],
    ["features", number(first.features_s)],
    ["from the last feature to the first model", number(first.first_model_s)],
    ["from a reload to a model", number(first.opened_again_s)],
  ])}`;

const resultsJson = path.join(results, "results.json");
const all = fs.existsSync(resultsJson) ? JSON.parse(fs.readFileSync(resultsJson, "utf8")) : {};
fs.writeFileSync(resultsJson, JSON.stringify({ ...all, score_file: json, train_many: trained, ...(first && { first_model: first }) }, null, 2) + "\n");
const resultsPage = path.join(results, "results.md");
const page = fs.existsSync(resultsPage) ? fs.readFileSync(resultsPage, "utf8") : "# Results\n";
// In place of an earlier one, else at the end.
const others = page.split(/^(?=## )/m).filter((part) => !part.startsWith("## Scoring a file") && !part.startsWith("## Training with many") && !(first && part.startsWith("## The first model"))).map((part) => part.trimEnd());
fs.writeFileSync(resultsPage, [...others, section, ofTraining, ...(first ? [ofFirst] : [])].map((part) => part.trimEnd()).join("\n\n") + "\n");
console.log([section, ofTraining, ofFirst ?? "No built site, so the first model in the app is not measured; `cargo xtask build` makes one."].join("\n\n"));
