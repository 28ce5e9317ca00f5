import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GROUPS } from '../../src/config/setting.js';
import { buildProgramSettings, settings } from '../../src/config/settings.js';
import { HARNESSES } from '../../src/harness/harnesses.js';
import { documentedGroups, envExample, withSettingsTables } from './settings-docs.js';

// `npm run docs:settings` runs this file so that it writes the two.
const OUT_OF_DATE = 'is not what src/config/settings.ts says: run npm run docs:settings';
const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = join(ROOT, 'docs', 'configuration.md');
const ENV_EXAMPLE = join(ROOT, '.env.example');

const ROWS = [settings(HARNESSES), buildProgramSettings(HARNESSES)].flatMap((table) => Object.values(table));

it('docs/configuration.md has every setting with its default and what it does', async () => {
  const page = readFileSync(PAGE, 'utf8');
  expect(documentedGroups(page)).toEqual(GROUPS);
  await expect(withSettingsTables(page, ROWS)).toMatchFileSnapshot(PAGE, `docs/configuration.md ${OUT_OF_DATE}`);
});

it('.env.example has every setting with its default', async () => {
  await expect(envExample(ROWS)).toMatchFileSnapshot(ENV_EXAMPLE, `.env.example ${OUT_OF_DATE}`);
});

it('no two settings read the same variable', () => {
  const variables = ROWS.map(({ variable }) => variable);
  expect(variables).toEqual([...new Set(variables)]);
});
