import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.includes('__fixtures__'),
);

it('No two source files export the same name, so that a search finds one thing', () => {
  const homes = new Map<string, string[]>();
  for (const path of files) {
    for (const name of exportedNames(readFileSync(`${SOURCE}${path}`, 'utf8'))) {
      homes.set(name, [...(homes.get(name) ?? []), path]);
    }
  }
  expect(homes.size).toBeGreaterThan(500);
  expect([...homes].filter(([, paths]) => paths.length > 1)).toEqual([]);
});

it('A source file is named in kebab case, with a suffix only for a role that Nest knows, or for types of a package', () => {
  const pattern =
    /^(\d{4}-)?[a-z0-9]+(-[a-z0-9]+)*(\.(module|controller|guard|filter|pipe|service|dto|docs|store|worker|gateway|resolver|registry|runner|exception|harness|session|sandbox|process|d))?\.ts$/;
  expect(files.map((path) => path.replace(/.*\//, '')).filter((name) => !pattern.test(name))).toEqual([]);
});

/** The names that a file declares and exports: a type and a value of one name, such as a port and its token, count once. */
function exportedNames(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest).statements) {
    if (!ts.canHaveModifiers(statement)) continue;
    if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) names.add(name.text);
    } else if ('name' in statement && statement.name !== undefined && ts.isIdentifier(statement.name)) {
      names.add(statement.name.text);
    }
  }
  return names;
}
