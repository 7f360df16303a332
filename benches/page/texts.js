// Sentences and table rows: how fast they become features, and how accurate a head on them is.

import { Contender } from "./contender.js";

// A CSV file's rows: quoted cells may hold commas, line ends and doubled quotes.
function rowsOf(text) {
  const rows = [[]];
  for (const [, cell, quoted, end] of text.matchAll(/((?:"((?:[^"]|"")*)"|[^,"\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? cell : quoted.replaceAll('""', '"'));
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

export async function sentencesOfTheDemo() {
  const [header, ...rows] = rowsOf(await (await fetch("/demo/sentences.csv")).text());
  const column = (name) => rows.map((row) => row[header.indexOf(name)]);
  const names = [...new Set(column("sentiment"))].sort();
  return { sentences: column("text"), classes: Uint32Array.from(column("sentiment"), (name) => names.indexOf(name)) };
}

// Both in turn; `peer` is undefined where it could not be installed.
export async function texts(settings, say) {
  const demo = await sentencesOfTheDemo();
  const kept = (_, at) => at % settings.everySentence === 0;
  const [sentences, classes] = [demo.sentences.filter(kept), demo.classes.filter(kept)];
  const hone = await Contender.start("hone-core");
  await hone.ask("loadTexts");
  const peer = settings.places.minilm && (await Contender.start("minilm"));
  const some = sentences.filter((_, at) => at % Math.floor(sentences.length / settings.peerSentences) === 0);
  const results = { sentences: sentences.length, of: demo.sentences.length, hone: { times: [] } };
  if (peer) {
    await say("all-MiniLM-L6-v2");
    await peer.ask("embedSentences", { sentences: some.slice(0, 16), batch: 8 });
    const speeds = [];
    for (const batch of settings.batches) {
      const { milliseconds } = await peer.ask("embedSentences", { sentences: some, batch });
      speeds.push({ batch, milliseconds });
    }
    const { batch } = speeds.reduce((best, speed) => (speed.milliseconds < best.milliseconds ? speed : best));
    results.minilm = { sentences: some.length, batch, speeds, times: [] };
  }
  for (let round = -1; round < settings.textRounds; round++) {
    const ours = await hone.ask("embedTexts", { sentences });
    if (round >= 0) results.hone.times.push(ours);
    if (peer && round >= 0) {
      const { milliseconds } = await peer.ask("embedSentences", { sentences: some, batch: results.minilm.batch });
      results.minilm.times.push(milliseconds);
    }
  }
  await say("accuracy on sentences");
  const common = { classes, labels: settings.textLabels, seeds: settings.textSeeds };
  results.hone.accuracy = await hone.ask("accuracy", { ...common, forTexts: true });
  if (peer) {
    const { features, columns } = await peer.ask("embedSentences", { sentences, batch: results.minilm.batch });
    results.minilm.columns = columns;
    // Either of Hone's two penalties; the report takes the one that suits the peer better.
    results.minilm.accuracies = [];
    for (const forTexts of [true, false]) {
      results.minilm.accuracies.push(await hone.ask("accuracy", { ...common, features, columns, forTexts }));
    }
    peer.stop();
  }
  hone.stop();
  return results;
}

// The demo's penguins over and over, until there are enough.
export async function table(settings) {
  const text = await (await fetch("/demo/penguins.csv")).text();
  const [header, ...lines] = text.trim().split(/\r?\n/);
  const repeated = Array.from({ length: settings.tableRows }, (_, at) => lines[at % lines.length]);
  const file = new TextEncoder().encode([header, ...repeated].join("\n"));
  const hone = await Contender.start("hone-core");
  const answer = await hone.ask("table", { file, rounds: settings.textRounds });
  hone.stop();
  return answer;
}
