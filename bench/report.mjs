// The results as a table, and their place in docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import process from 'node:process';

const PAGE = new URL('../docs/performance.md', import.meta.url);
const BEGIN = '<!-- results: written by npm run bench -->';
const END = '<!-- end of results -->';

/** The rows as a Markdown table. */
export function report(rows) {
  const lines = rows.map((row) => `| ${[row.title, ...cells(row)].join(' | ')} |`);
  return [
    '| | bare server | Chiron | compared | lowest – highest | goal | |',
    '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
    ...lines,
  ].join('\n');
}

/** Puts the table, with the date and the machine, between the page's two markers. */
export function writeReport(rows, isQuick) {
  const page = readFileSync(PAGE, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('docs/performance.md has lost its markers');
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const when = `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${machine}, load ${loadavg()[1].toFixed(1)}`;
  const text = `${BEGIN}\n\nMeasured on ${when} (average of five minutes${isQuick ? '; with `--quick`: few rounds' : ''}).\n\n<!-- prettier-ignore-start -->\n\n${report(rows)}\n\n<!-- prettier-ignore-end -->\n\n`;
  writeFileSync(PAGE, page.slice(0, begin) + text + page.slice(end));
}

function cells(row) {
  if (row.skipped !== undefined) return ['', '', '', '', '', row.skipped];
  const { unit, range, note } = row;
  const low = range === undefined ? '' : range.map((value) => compared(row, value)).join(' – ');
  return [
    `${figure(row.bare)} ${unit}`,
    `${figure(row.chiron)} ${unit}`,
    row.compared === 'absolute' ? `${figure(row.ratio)}×` : compared(row, row.value),
    low,
    row.goal === undefined ? '' : `≤ ${compared(row, row.goal)}`,
    [verdict(row), note].filter((text) => text !== undefined).join('; '),
  ];
}

function compared({ compared: how, unit }, value) {
  switch (how) {
    case 'ratio':
      return `${figure(value)}×`;
    case 'added':
      return `${value < 0 ? '−' : '+'}${figure(Math.abs(value))} ${unit}`;
    default:
      return `${figure(value)} ${unit}`;
  }
}

function verdict({ goal, value }) {
  if (goal === undefined) return undefined;
  return value <= goal ? 'met' : `missed by ${Math.round(100 * (value / goal - 1))} %`;
}

function figure(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
