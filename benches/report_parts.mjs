// The results of what Hone does beyond the network and the head: each part as data and as a section of the page.

import { cells, mean, median, number, quantile, round, summary, table } from "./report_tools.mjs";

const grouped = (count) => Math.round(count).toLocaleString("en");

export function queuePart({ real, labelled, pool, pace, rounds, training }) {
  const all = summary(rounds.map((label) => label.all));
  const decided = summary(rounds.map((label) => label.decided));
  const slices = rounds.flatMap((label) => label.slices);
  const count = summary(rounds.map((label) => label.slices.length));
  const json = {
    unit: "ms", labelled, pool, pace, real_embeddings: real, label_to_queue: all, decision: decided, longest_slice: Math.max(...slices),
    slices: count.median, training,
  };
  const markdown = `## From a label to the new queue

${grouped(labelled)} labels, ${grouped(pool)} items left, 1280 columns; milliseconds, ${all.rounds} labels, one every ${number(pace / 1000)} s. ${grouped(real)} embeddings are real, the others
lie between two real ones of a class.

${table(["", "median", "min–max"], [
    ["label → new queue", cells(all)],
    ["of it the decision: stored, learnt at once, all predicted anew", cells(decided)],
    [`the longest of the slices that rank (${count.median} a label)`, `${number(json.longest_slice)} |`],
    [`the longest of the slices that train in between (${training.slices} in all)`, `${number(training.longest)} |`],
  ])}`;
  return { json, markdown };
}

export function scoringPart({ pool, classes, times }) {
  const time = summary(times);
  const markdown = `## Scoring a pool

${grouped(pool)} rows of 1280 columns, ${classes} classes, to probabilities: ${number(time.median)} ms (${number(time.min)}–${number(time.max)}).
`;
  return { json: { unit: "ms", pool, classes, ...time }, markdown };
}

export function textPart({ sentences, of, hone, minilm }) {
  const speed = (count, times) => {
    const { median, min, max, rounds } = summary(times.map((time) => (count * 1000) / time));
    return { per_second: round(median), min: round(min), max: round(max), rounds };
  };
  const accuracy = (ofSeeds) => Object.fromEntries(Object.entries(ofSeeds).map(([labels, values]) => [labels, {
    mean: round(mean(values)), min: round(Math.min(...values)), max: round(Math.max(...values)), seeds: values.length,
  }]));
  const json = { unit: "sentences/s", sentences, hone: { ...speed(sentences, hone.times), accuracy: accuracy(hone.accuracy) } };
  if (minilm) {
    // By the mean over all numbers of labels: the head that suits the peer better.
    const quality = (ofSeeds) => mean(Object.values(ofSeeds).map(mean));
    const best = minilm.accuracies.reduce((best, other) => (quality(other) > quality(best) ? other : best));
    json.minilm = { ...speed(minilm.sentences, minilm.times), batch: minilm.batch, columns: minilm.columns, accuracy: accuracy(best) };
    json.speed_ratio = round(json.hone.per_second / json.minilm.per_second, 3);
  }
  const labels = Object.keys(hone.accuracy);
  const row = (name, { per_second, min, max, accuracy }) => [
    name, `${grouped(per_second)} (${grouped(min)}–${grouped(max)})`,
    ...labels.map((count) => `${(accuracy[count].mean * 100).toFixed(1)} %`),
  ];
  const rows = [row("Hone: token vectors and hashed n-grams", json.hone)];
  if (minilm) rows.push(row(`all-MiniLM-L6-v2, int8, by transformers.js, batches of ${minilm.batch}`, json.minilm));
  const verdict = minilm ? verdictOf(json, labels) : "";
  const markdown = `## Sentences

${grouped(sentences)} of the demo's ${grouped(of)}, on one thread; accuracy on a held-out third after so many random labels, the same for both, mean of
${json.hone.accuracy[labels[0]].seeds} seeds.

${table(["", "sentences a second", ...labels.map((count) => `${count} labels`)], rows)}${verdict}`;
  return { json, markdown };
}

function verdictOf({ hone, minilm, speed_ratio: ratio }, labels) {
  const points = labels.map((count) => {
    const difference = 100 * (minilm.accuracy[count].mean - hone.accuracy[count].mean);
    return `${Math.abs(difference).toFixed(1)} points ${difference > 0 ? "more" : "less"} accurate at ${count} labels`;
  });
  return `\nHone is ${ratio} times as fast; all-MiniLM-L6-v2 is ${points.join(", ")}.\n`;
}

export function tablePart({ rows, columns, read, encode }) {
  const speed = (times) => round((rows * 1000) / median(times));
  const json = { unit: "rows/s", rows, columns, read: speed(read), encode: speed(encode) };
  const markdown = `## Table rows

The penguins, repeated to ${grouped(rows)} rows: ${grouped(json.encode)} rows a second become features (${columns} columns, fitting the encoder included); ${grouped(json.read)} a
second are read from the file's bytes.
`;
  return { json, markdown };
}

export function appPart(app) {
  if (!app) return undefined;
  const { cold, import: imported, labelling, photos } = app;
  const visits = (visit) => Object.fromEntries(Object.entries(visit).map(([name, times]) => [name, summary(times)]));
  const starts = { first: visits(cold.first), second: visits(cold.second), going_on: summary(cold.going_on) };
  const { milliseconds } = labelling;
  const press = { ...summary(milliseconds), percentile_95: quantile(milliseconds, 0.95) };
  const tasks = ({ count, longest }) => ({ count, longest });
  const json = {
    unit: "ms",
    cold: starts,
    import: { ...imported, kilobytes_a_photo: photos.mean_kilobytes, long_tasks: tasks(imported.long_tasks), long_tasks_before: tasks(imported.long_tasks_before) },
    labelling: { key_to_next_card: press, long_tasks: tasks(labelling.long_tasks), peak_memory_mb: labelling.peak_memory_mb },
  };
  const said = ({ count, longest }) => (count === 0 ? "none" : `${count}, the longest ${number(longest)} ms`);
  const memory = (megabytes) => (megabytes === null ? "not known here" : `${grouped(megabytes)} MB`);
  const stages = Object.entries({ ...imported.embed_worker_ms_a_photo, ...imported.session_worker_ms_a_photo });
  const sum = stages.reduce((sum, [, time]) => sum + time, 0);
  const markdown = `## The app

The built site, driven in Chromium.

${table(["cold start, ms", "median", "min–max"], [
    ["first visit → start screen", cells(starts.first.start)],
    ["first visit → the session has answered", cells(starts.first.ready)],
    ["first visit, click on the photos demo → first card", cells(starts.first.card)],
    ["second visit → start screen", cells(starts.second.start)],
    ["second visit → the session has answered", cells(starts.second.ready)],
    ["second visit, click on the photos demo → first card", cells(starts.second.card)],
    ["going on with an open project → its next card", cells(starts.going_on)],
  ])}
**Import** of ${grouped(imported.photos)} photos (${number(photos.mean_kilobytes)} KB each on average): ${number(imported.seconds)} s, ${number(imported.per_second)} a second, from the click until all
are embedded and stored; ${imported.embed_workers} embed worker(s), busy ${(imported.embed_workers_busy * 100).toFixed(0)} % of that time.

${table(["stage", "ms a photo", "share"], stages.map(([name, time]) => [name, time.toFixed(2), `${((100 * time) / sum).toFixed(0)} %`]))}
**From key to next card**: ${number(press.median)} ms, 95 of 100 within ${number(press.percentile_95)} ms, ${number(press.max)} ms at worst (${press.rounds} presses).

**Main thread, tasks over 50 ms**: ${said(imported.long_tasks_before)} from the navigation to the plan of the import; ${said(imported.long_tasks)} during the
import; ${said(labelling.long_tasks)} during the labelling.

**Peak memory** of page and workers: ${memory(imported.peak_memory_mb)} after the import, ${memory(labelling.peak_memory_mb)} after the labelling.
`;
  return { json, markdown };
}
