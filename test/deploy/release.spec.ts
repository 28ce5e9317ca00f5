import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { newFolder, removeFolder } from '../support/start-main.js';

// What `npm version` writes, and the steps of the release workflow that are plain commands, on a copy of the files with the version.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['package.json', 'CHANGELOG.md', 'deploy/helm/chiron/Chart.yaml', 'scripts/write-version.mjs'];

interface Workflow {
  readonly jobs: { readonly release: { readonly steps: readonly { readonly name?: string; readonly run?: string }[] } };
}

const { jobs } = parse(readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as Workflow;

/** The first lines of a step, up to the one that begins with `end`. */
function stepOf(name: string, end: string): string {
  const script = jobs.release.steps.find((step) => step.name === name)?.run ?? '';
  expect(script).toContain(end);
  return script.slice(0, script.indexOf(end));
}

describe('A release', () => {
  let folder: string;

  beforeEach(() => {
    folder = newFolder();
    for (const file of FILES) cpSync(join(ROOT, file), join(folder, file), { recursive: true });
    const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
    writeFileSync(join(folder, 'package.json'), manifest.replace(/"version": ".*"/, '"version": "9.8.7"'));
    const changes = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    writeFileSync(
      join(folder, 'CHANGELOG.md'),
      changes.replace(/(?<=## \[Unreleased\]\n).*?(?=\n## \[)/s, '\n### Fixed\n\n- The newest fix.\n'),
    );
  });
  afterEach(() => removeFolder(folder));

  const check = (tag: string): number | null =>
    spawnSync('bash', ['-ec', stepOf('Read the version', 'echo "version=')], {
      cwd: folder,
      env: { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`, GITHUB_REF_NAME: tag },
    }).status;

  it('has the version of package.json in the chart and in the changelog, or is refused', () => {
    expect(check('v9.8.7')).toBe(1);
    execFileSync(process.execPath, ['scripts/write-version.mjs'], { cwd: folder });
    expect(check('v9.8.7')).toBe(0);
    expect(check('v9.8.6')).toBe(1);
  });

  it('has the changes since the version before as its notes', () => {
    execFileSync(process.execPath, ['scripts/write-version.mjs'], { cwd: folder });
    const script = stepOf('Publish the release', 'gh release').replaceAll(/\$\{\{.*?\}\}/g, '9.8.7');
    execFileSync('bash', ['-ec', script], { cwd: folder });
    expect(readFileSync(join(folder, 'notes.md'), 'utf8').trim()).toMatch(/^### Fixed\n\n- The newest fix\.$/);
  });

  it('writes nothing twice', () => {
    for (let index = 0; index < 2; index++)
      execFileSync(process.execPath, ['scripts/write-version.mjs'], { cwd: folder });
    expect(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').match(/## \[9\.8\.7\]/g)).toHaveLength(1);
  });
});
