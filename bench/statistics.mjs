/** The value below which a share of the values lies. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The median. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs a measurement on both servers several times, alternating their order. Returns the results of the rounds. */
export async function rounds(count, { bare, chiron }, measure) {
  const results = [];
  for (let round = 0; round < count; round += 1) {
    const result = {};
    for (const server of round % 2 === 0 ? [bare, chiron] : [chiron, bare]) {
      result[server.kind] = await measure(server, round);
    }
    results.push(result);
  }
  return results;
}

/** A row whose figure is Chiron's value divided by the bare server's of the same round. */
export function ratioRow(row, results) {
  const ratios = results.map(({ bare, chiron }) => chiron / bare);
  return {
    ...row,
    bare: median(results.map((result) => result.bare)),
    chiron: median(results.map((result) => result.chiron)),
    value: median(ratios),
    range: [Math.min(...ratios), Math.max(...ratios)],
    compared: 'ratio',
  };
}
