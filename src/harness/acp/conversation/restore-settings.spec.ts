import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { restoreSettings } from './restore-settings.js';

it('An agent’s settings are the deployment’s again before its program starts, whatever the agent has made of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chiron-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const home = join(folder, 'home/.agent');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'changed.json'), '{"url": "http://elsewhere"}');
  writeFileSync(join(home, 'added.json'), '{"hooks": []}');
  writeFileSync(join(folder, 'outside'), 'kept');
  symlinkSync(join(folder, 'outside'), join(home, 'linked.json'));
  const names = ['changed.json', 'added.json', 'linked.json', 'missing.json'].map((name) => `.agent/${name}`);
  const template: Readonly<Record<string, string>> = {
    'home/.agent/changed.json': '{}',
    'home/.agent/linked.json': '{}',
  };
  await restoreSettings(
    { files: new ThreadFiles(folder) },
    { settingsFiles: names },
    { templateText: (path) => Promise.resolve(template[path]) },
  );
  expect(readFileSync(join(home, 'changed.json'), 'utf8')).toBe('{}');
  expect(readFileSync(join(home, 'linked.json'), 'utf8')).toBe('{}');
  expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('kept');
  expect(['added.json', 'missing.json'].map((name) => existsSync(join(home, name)))).toEqual([false, false]);
});
