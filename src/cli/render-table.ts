/** Renders rows as lines of aligned columns below their titles. A missing value is a dash; control characters are replaced. */
export function renderTable(titles: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const texts = [titles, ...rows.map((row) => row.map((cell) => toText(cell)))];
  const widths = titles.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const lines = texts.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** A name that another administrator chose must not control this one's terminal. */
function toText(cell: string | number | null): string {
  return cell === null || cell === '' ? '-' : String(cell).replaceAll(/\p{Cc}/gu, '?');
}
