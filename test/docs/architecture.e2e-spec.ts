import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

interface LintConfig {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: { readonly 'eslint/no-restricted-imports'?: readonly [string, LintPatterns] };
  }[];
}

interface LintPatterns {
  readonly patterns: readonly { readonly regex: string; readonly message: string }[];
}

const sourceFolders = readdirSync(`${ROOT}src`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const importRules = (JSON.parse(read('.oxlintrc.json')) as LintConfig).overrides.flatMap(({ files, rules }) => {
  const [, restricted] = rules['eslint/no-restricted-imports'] ?? [];
  const [rule] = restricted?.patterns ?? [];
  const folder = /^src\/(\w+)\//.exec(files[0] ?? '')?.[1];
  return rule === undefined || folder === undefined ? [] : [{ folder, ...rule }];
});

/** The folders whose files the rule lets a file of its folder import. */
function importableFolders({ folder, regex }: (typeof importRules)[number]): readonly string[] {
  return sourceFolders.filter((other) => other !== folder && !new RegExp(regex).test(`../${other}/file.js`));
}

it('The table of folders in docs/architecture.md has every folder, with the imports that the linter allows', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| `([a-z]+)` +\|[^|]+\| (–|everything|`.+?`) +\|$/gm)];
  const documented = new Map(rows.map(([, folder, imports]) => [folder, namesIn(imports ?? '')]));
  const enforced = new Map(importRules.map((rule) => [rule.folder, importableFolders(rule).toSorted()]));
  // The start of the process may use everything, so that the linter has no rule for it.
  enforced.set('start', ['everything']);
  expect(new Set(documented.keys())).toEqual(new Set(sourceFolders));
  expect(documented).toEqual(enforced);
});

it('What the linter says about a wrong import names the folders that it allows', () => {
  expect(importRules.length).toBeGreaterThan(10);
  for (const rule of importRules) {
    const allowed = importableFolders(rule);
    const [, said = ''] = /^src\/\w+ may import (.+)$/.exec(rule.message) ?? [];
    expect(said === 'no other folder' ? [] : said.split(', ').toSorted(), rule.message).toEqual(allowed.toSorted());
  }
});

function namesIn(cell: string): readonly string[] {
  return cell === '–' ? [] : cell.replaceAll('`', '').split(', ').toSorted();
}

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
