import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import { Container, outputOf, textOf } from './support/container.js';
import { findImageProblem, Images } from './support/image.js';

// The image with agents: real Claude Code and Codex in it, and what happens when the server in it is killed.

const problem = findImageProblem();
if (problem !== undefined) console.log(`The image with agents is neither built nor run: ${problem}.`);

const SECCOMP = fileURLToPath(new URL('../../deploy/seccomp/bubblewrap.json', import.meta.url));
const IMAGE = 'localhost/chiron:test-agents';
/** What compose.yaml and the chart’s strong-sandbox.yaml allow. */
const STRONGEST = ['--security-opt', `seccomp=${SECCOMP}`, '--security-opt', 'unmask=ALL'];

vi.setConfig({ testTimeout: 300_000 });

describe.runIf(problem === undefined)('The image with agents', () => {
  const kept = process.env['CHIRON_TEST_IMAGE_STORE'];
  const images = new Images(kept ?? join(tmpdir(), `chiron-images-${process.pid}`));
  const container = new Container(images, IMAGE, 'chiron-test-agents');

  beforeAll(async () => {
    if (await images.has(IMAGE)) return;
    if (!(await images.has('docker.io/library/node:24-bookworm-slim'))) await images.makeBases();
    await images.build('with-agents', IMAGE);
  });
  afterEach(async () => {
    await images.podman('rm', '--force', '--ignore', '--time', '0', container.name);
  });
  afterAll(async () => (kept === undefined ? images.remove() : undefined));

  it.each([
    ['bubblewrap', STRONGEST],
    ['landlock', []],
  ])('runs a tool of Claude Code under %s, the strongest sandbox of the container', async (sandbox, allowed) => {
    const model = await startScriptedAnthropicModel();
    try {
      const variables = ['-e', `ANTHROPIC_BASE_URL=${model.url}`, '-e', 'ANTHROPIC_API_KEY=a-key-of-the-server'];
      await container.start([...allowed, ...variables]);
      expect(await container.logs()).toMatch(new RegExp(`^ {2}sandbox +${sandbox}: `, 'm'));
      const answer = await container.ask('SCENE:tool echo seen-$((40 + 2))', { model: 'claude-code' });
      expect([answer.stop_reason, outputOf(answer)]).toEqual(['end_turn', expect.stringContaining('seen-42')]);
    } finally {
      await model.close();
    }
  });

  it.each([
    ['bubblewrap', STRONGEST],
    ['landlock', []],
  ])('runs a tool of Codex under %s, the strongest sandbox of the container', async (sandbox, allowed) => {
    const model = await startScriptedResponsesModel();
    try {
      const variables = ['-e', `OPENAI_BASE_URL=${model.url}/v1`, '-e', 'OPENAI_API_KEY=a-key-of-the-server'];
      await container.start([...allowed, ...variables]);
      expect(await container.logs()).toMatch(new RegExp(`^ {2}sandbox +${sandbox}: `, 'm'));
      const answer = await container.ask('SCENE:tool echo seen-$((40 + 2))', { model: 'codex' });
      expect([answer.stop_reason, outputOf(answer)]).toEqual(['end_turn', expect.stringContaining('seen-42')]);
    } finally {
      await model.close();
    }
  });

  it.each([
    ['the image’s init', [], []],
    ['itself as process 1', ['--entrypoint', 'chiron'], ['start']],
  ])(
    'ends when its server is killed under %s, and resumes the turn when it is started again',
    async (_, options, command) => {
      await container.start(['-e', 'CHIRON_DEMO=on', ...options], command);
      const asked = ['!touch begun; sleep 60', { thread: 'killed' }] as const;
      const first = container.ask(...asked).catch(() => 'cut off');
      const begun = (): Promise<string> => images.podman('exec', container.name, 'find', '/data', '-name', 'begun');
      await expect.poll(begun, { timeout: 60_000, interval: 500 }).toContain('begun');
      await images.podman('exec', container.name, 'sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)');
      expect(await images.podman('wait', container.name)).toBe('137');
      expect(await first).toBe('cut off');
      await container.startAgain();
      expect(textOf(await container.ask(...asked))).toBe(
        'The server was stopped while the command ran. It was not run again.',
      );
    },
  );
});
