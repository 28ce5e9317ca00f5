import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FOLDER = new URL('.', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

/** The numbers in the first column of a README table, by the heading above it. */
function numbersOf(heading: string): readonly string[] {
  const [, section = ''] = read('README.md').split(`## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  return [...table.matchAll(/^\| ([ACR][. ]?\d+) +\|/gm)].map(([, line = '']) => line);
}

/** The numbers in the titles of tests; a title may have several. */
const tested = new Set(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.e2e-spec.ts'))
    .flatMap((name) => [...read(name).matchAll(/\(\s*['`]((?:[ACR][. ]\d+ )+)/g)])
    .flatMap(([, lines = '']) => lines.match(/[ACR][. ]\d+/g) ?? []),
);

const sections = numbersOf('Sections');
const pitfalls = numbersOf('Pitfalls');
const responses = numbersOf('The Responses API');
const untested = new Set(numbersOf('Without a test'));

it('the README lists the sections A.0 to A.11 the pitfalls C 1 to C 51, and R 1 to R 18', () => {
  expect(sections).toEqual(Array.from({ length: 12 }, (_, index) => `A.${index}`));
  expect(pitfalls).toEqual(Array.from({ length: 51 }, (_, index) => `C ${index + 1}`));
  expect(responses).toEqual(Array.from({ length: 18 }, (_, index) => `R ${index + 1}`));
});

it('every section and every requirement of the Responses API has tests, and every pitfall has either a test or a reason why not', () => {
  expect([...sections, ...responses].filter((line) => !tested.has(line))).toEqual([]);
  expect(pitfalls.filter((line) => tested.has(line) === untested.has(line))).toEqual([]);
});

it('no test title has a number that the README does not list', () => {
  const listed = new Set([...sections, ...pitfalls, ...responses]);
  expect([...tested].filter((line) => !listed.has(line))).toEqual([]);
});
