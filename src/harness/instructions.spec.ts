import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instructionsOf } from './instructions.js';

describe(instructionsOf.name, () => {
  let workspace: string;

  beforeEach(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'instructions-'));
  });

  afterEach(() => rm(workspace, { recursive: true }));

  const of = (systemPrompt: string | undefined) =>
    instructionsOf({
      id: 't',
      folders: { workspace, home: '/nowhere' },
      model: undefined,
      systemPrompt,
      tools: 'all',
      sessionId: undefined,
      env: {},
    });

  it('puts the workspace’s AGENTS.md before the caller’s system prompt', async () => {
    await writeFile(join(workspace, 'AGENTS.md'), 'rules');
    expect(await of('be kind')).toBe('rules\n\nbe kind');
    expect(await of(undefined)).toBe('rules');
  });

  it('is nothing where there is neither, or both are blank', async () => {
    expect(await of(undefined)).toBeUndefined();
    await writeFile(join(workspace, 'AGENTS.md'), ' \n');
    expect(await of(' ')).toBeUndefined();
  });
});
