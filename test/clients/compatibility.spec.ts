import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import packages from './package.json' with { type: 'json' };

const HERE = new URL('./', import.meta.url);
const TABLE = new URL('../../docs/compatibility.md', HERE);

interface Row {
  readonly client: string;
  readonly versions: readonly string[];
  readonly file: string;
  readonly title: string;
}

describe('the table in docs/compatibility.md', async () => {
  const rows = rowsOf(await readFile(TABLE, 'utf8'));

  it('names tests that exist', async () => {
    expect(rows.length).toBeGreaterThan(40);
    for (const { file, title } of rows) {
      const source = await readFile(new URL(file, HERE), 'utf8');
      expect({ file, title, isThere: source.includes(`'${title}'`) }).toMatchObject({ isThere: true });
    }
  });

  it('names exactly the versions that are installed', () => {
    const inTable = rows.flatMap(({ versions }) => versions);
    const installed = Object.entries({ ...packages.dependencies, ...packages.optionalDependencies })
      .filter(([name]) => !NO_CLIENTS.includes(name))
      .map(([, specifier]) => specifier.replace(/^npm:.*@/, ''));
    expect(new Set(inTable)).toEqual(new Set(installed));
  });
});

/** Packages that are not clients: the schema library of the tests, and the compiler of generated clients. */
const NO_CLIENTS = ['zod', 'typescript'];

/** The rows of the last section's table: client, versions, what was run, and `file`: title of the test. */
function rowsOf(markdown: string): readonly Row[] {
  const [, proof = ''] = markdown.split('\n## Proof\n');
  const lines = proof.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [, client = '', versions = '', , test = ''] = line.split('|').map((cell) => cell.trim());
    const [, file = '', title = ''] = /^`([\w.-]+)`: (.+)$/.exec(test) ?? [];
    return { client, versions: versions.match(/\d+\.\d+\.\d+/g) ?? [], file, title };
  });
}
