import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { toAcpDefinition } from '../../src/harness/acp/definition.js';
import { HARNESSES } from '../../src/harness/harnesses.js';
import { ApiDocument, objectAt } from '../support/openapi.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { answerText } from './answer-text.js';

const PROGRAM = join(import.meta.dirname, 'acp-agent.mjs');

let app: TestApp | undefined;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-agents-file-'));
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const robot = {
  command: PROGRAM,
  args: ['ROBOT_MODE', 'ROBOT_KEY', 'OTHER_KEY'],
  env: { ROBOT_MODE: 'quiet' },
  passedVariables: ['ROBOT_KEY'],
  models: ['scripted/one'],
  modelChoice: { by: 'config-option', option: 'model' },
};
const other = { ...robot, displayName: 'Other', passedVariables: ['OTHER_KEY'], models: [] };

/** A server with the agents of a file, and settings as a deployment writes them. */
async function start(agents: object, variables: Readonly<Record<string, string>> = {}, keepData?: string) {
  const file = join(folder, 'agents.json');
  writeFileSync(file, JSON.stringify({ agents }));
  const config = readConfig({ CHIRON_AGENTS_FILE: file, CHIRON_SANDBOX: 'local', ...variables }, HARNESSES);
  const { programs, defaultHarness, modelRoutes, harnessAliases, agentVariables } = config;
  const settings = { agents: config.agents, programs, defaultHarness, modelRoutes, harnessAliases, agentVariables };
  app = await startTestApp(keepData === undefined ? settings : { ...settings, dataDirectory: keepData }, {
    harnesses: config.agents.map(toAcpDefinition),
  });
  app.harness.onRun = (run) => run.answer('from Claude Code');
  return supertest(app.url);
}

const answerTo = (model: string): Promise<string> => answerText(app?.url ?? '', model);

describe('an agent of CHIRON_AGENTS_FILE', () => {
  it('answers to its name alone, and with the rest of the name as its model', async () => {
    await start({ robot });
    expect(await answerTo('robot')).toBe('hi: none ROBOT_MODE=quiet ROBOT_KEY= OTHER_KEY=');
    expect(await answerTo('robot/scripted/one')).toMatch(/^hi: scripted\/one /);
    expect(await answerTo('robot/any/other')).toMatch(/^hi: any\/other /);
  });

  it('gets the variables of its own, and none of the others', async () => {
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, 'of the robot\n');
    await start({ robot, other }, { ROBOT_KEY_FILE: keyFile, OTHER_KEY: 'of the other' });
    expect(await answerTo('robot')).toContain('ROBOT_KEY=of the robot OTHER_KEY=');
    expect(await answerTo('other')).toContain('ROBOT_KEY= OTHER_KEY=of the other');
  });

  it('is in the list of models under its own name, with its models', async () => {
    const server = await start({ robot, other });
    const { body } = await server.get('/v1/models').expect(200);
    const { data } = body as { readonly data: readonly { readonly id: string; readonly display_name: string }[] };
    expect(data.map(({ id, display_name }) => [id, display_name])).toEqual([
      ['claude-code', 'Claude Code'],
      ['demo', 'Demo agent'],
      ['robot', 'robot'],
      ['robot/scripted/one', 'scripted/one (robot)'],
      ['other', 'Other'],
    ]);
    expect(await answerTo('scripted/one')).toMatch(/^hi: scripted\/one /);
  });

  it('can be the default, and the target of routes and aliases', async () => {
    const server = await start(
      { robot },
      {
        CHIRON_DEFAULT_HARNESS: 'robot',
        CHIRON_MODEL_ROUTES: 'claude-*=claude-code,scripted/*=robot',
        CHIRON_HARNESS_ALIASES: 'amp=robot',
      },
    );
    expect(await answerTo('some-model')).toMatch(/^hi: none /);
    expect(await answerTo('claude-x')).toBe('from Claude Code');
    expect(await answerTo('scripted/one')).toMatch(/^hi: scripted\/one /);
    for (const [key, type] of Object.entries({ one: 'robot', two: 'amp' })) {
      const { body } = await server.post(`/api/session/test:${key}`).send({ harness_type: type }).expect(200);
      expect(body).toMatchObject({ harness_type: type });
    }
    const document = await ApiDocument.of(app?.url ?? '');
    const body = objectAt(document.json, 'components', 'schemas', 'CreateSessionDto', 'properties', 'harness_type');
    expect(body?.['enum']).toEqual(expect.arrayContaining(['claudecode', 'robot', 'amp']));
  });

  it('that was taken out of the file leaves its threads readable, and is refused turns', async () => {
    const key = { 'x-chiron-thread-key': 'test:old' };
    const first = await start({ robot });
    await first
      .post('/v1/messages')
      .set(key)
      .send(ask('hi', { model: 'robot' }))
      .expect(200);
    const data = app?.dataDirectory ?? '';
    await app?.close({ keepData: true });
    const server = await start({}, {}, data);
    const { body } = await server.get('/api/session/test:old').expect(200);
    expect(body).toMatchObject({ harness_type: 'robot', turn_count: 1, turns: [{ status: 'completed' }] });
    const refused = await server
      .post('/v1/messages')
      .set(key)
      .send(ask('more', { model: 'robot' }))
      .expect(404);
    expect(refused.body).toMatchObject({ error: { message: expect.stringMatching(/robot.* is not available here/) } });
  });

  it('whose program is missing is none of the available ones', async () => {
    await start({ robot: { ...robot, command: 'no-such-program' } });
    await supertest(app?.url ?? '')
      .post('/v1/messages')
      .send(ask('hi', { model: 'robot' }))
      .expect(404);
  });
});
