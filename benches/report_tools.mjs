// What the results are written with.

export const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
};

export const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

// The value that this share of the list does not exceed: the nearest rank.
export const quantile = (list, share) => [...list].sort((a, b) => a - b)[Math.ceil(share * list.length) - 1];

export const summary = (times) => ({ median: median(times), min: Math.min(...times), max: Math.max(...times), rounds: times.length });

export const round = (value, digits = 4) => Number(value.toPrecision(digits));

export const number = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

export const cells = ({ median, min, max }) => `${number(median)} | ${number(min)}–${number(max)}`;

export const table = (head, rows) => [
  `| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...rows.map((row) => `| ${row.join(" | ")} |`), "",
].join("\n");
