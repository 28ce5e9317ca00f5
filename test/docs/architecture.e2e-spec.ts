import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

it('The table of folders in docs/architecture.md has every folder, with the imports that the linter allows', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| `([a-z]+)` +\|[^|]+\| (.+?) +\|$/gm)];
  const documented = new Map(rows.map(([, folder, imports]) => [folder, imports?.replaceAll('`', '')]));
  const allowed = [...read('.oxlintrc.json').matchAll(/"src\/([a-z]+) may import ([^"]+)"/g)];
  const enforced = new Map(
    allowed.map(([, folder, imports]) => [folder, imports === 'no other folder' ? '–' : imports]),
  );
  const folders = readdirSync(`${ROOT}src`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  // The start of the process may use everything.
  enforced.set('start', 'everything');
  expect(new Set(documented.keys())).toEqual(new Set(folders.map(({ name }) => name)));
  expect(documented).toEqual(enforced);
});

it('Every path that a page names exists', () => {
  const pages = readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`);
  const named = [...pages, 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'test/fuzz/README.md'].flatMap((page) =>
    [...read(page).matchAll(/`((?:src|test|bench|scripts|docs)\/[\w./-]+)`/g)].map(([, path = '']) => ({ page, path })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ path }) => !existsSync(`${ROOT}${path}`))).toEqual([]);
});
