import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { HARNESSES } from '../../src/harness/harnesses.js';
import { ask, converse, thread } from '../support/requests.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { answerText } from './answer-text.js';
import { emacs } from './emacs.js';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

/** A server that has emacs besides its own harnesses, with settings as a deployment writes them. */
async function start(variables: Readonly<Record<string, string>> = {}) {
  const { programs, defaultHarness, modelRoutes } = readConfig(variables, [...HARNESSES, emacs]);
  app = await startTestApp({ programs, defaultHarness, modelRoutes }, { harnesses: [emacs] });
  app.harness.onRun = (run) => run.answer('from Claude Code');
  return supertest(app.url);
}

const answerTo = (model: string): Promise<string> => answerText(app?.url ?? '', model);

describe('a harness that is added as a definition', () => {
  it('answers to <harness>/<model>, with its program, its home and its model', async () => {
    await start({ CHIRON_EMACS_BIN: '/opt/emacs' });
    const said = await answerTo('emacs/lisp-9');
    // Where programs see other paths than the server, the home is /home/agent.
    expect(said).toMatch(/^hi: \/opt\/emacs lisp-9 \/.*home(?:\/agent)?\/\.emacs\.d lisp-9$/);
    const threads = join(app?.dataDirectory ?? '', 'threads');
    const home = join(threads, readdirSync(threads)[0] ?? '', 'home');
    expect(['.emacs.d', '.claude'].map((name) => existsSync(join(home, name)))).toEqual([true, true]);
    expect(await answerTo('emacs')).toMatch(/^hi: \/opt\/emacs {2}\//);
  });

  it('gets an earlier conversation as a transcript before its prompt', async () => {
    const server = await start();
    const { body } = await server
      .post('/v1/messages')
      .send(converse(['I am Ada', 'Hello Ada', 'who am I?'], { model: 'emacs' }))
      .expect(200);
    const { text } = (body as { readonly content: readonly [{ readonly text: string }] }).content[0];
    expect(text).toMatch(
      /<user>\nI am Ada\n<\/user>\n<assistant>\nHello Ada\n[^]*Now the user says:\nwho am I\?: emacs /,
    );
  });

  it('is in the list of models with its own, which reach it by their names', async () => {
    const server = await start();
    const { body } = await server.get('/v1/models').expect(200);
    const { data } = body as { readonly data: readonly { readonly id: string; readonly display_name: string }[] };
    expect(data.map(({ id, display_name }) => [id, display_name])).toEqual([
      ['claude-code', 'Claude Code'],
      ['demo', 'Demo agent'],
      ['emacs', 'GNU Emacs'],
      ['lisp-1', 'Lisp 1'],
    ]);
    expect(await answerTo('lisp-1')).toContain('hi: emacs lisp-1 ');
    expect(await answerTo('claude-opus-5-5')).toBe('from Claude Code');
  });

  it('has its own type in the session API', async () => {
    const server = await start();
    const created = await server.post('/api/session/test:a').send({ harness_type: 'elisp' }).expect(200);
    expect(created.body).toMatchObject({ harness_type: 'elisp' });
    await server
      .post('/v1/messages')
      .set(thread('b'))
      .send(ask('hi', { model: 'emacs' }))
      .expect(200);
    const { body } = await server.get('/api/session/test:b').expect(200);
    expect(body).toMatchObject({ harness_type: 'elisp', model: 'emacs' });
    const { text } = await SessionReader.open(`${app?.url}/api/session/test:b/events`).sees('execution_completed');
    expect(text).toContain('"harness_type":"elisp"');
    const refused = await server.post('/api/session/test:c').send({ harness_type: 'emacs' }).expect(422);
    expect(refused.body).toMatchObject({
      error: 'harness_type: Input should be one of claudecode, codex, demo, elisp',
    });
    const conflict = await server.post('/api/session/test:a').send({ harness_type: 'demo' }).expect(409);
    expect(conflict.body).toMatchObject({ existing_harness: 'elisp', requested_harness: 'demo' });
  });

  it('can be the default, and the end of a route', async () => {
    await start({ CHIRON_DEFAULT_HARNESS: 'emacs' });
    expect(await answerTo('anything')).toContain('hi: emacs ');
    await app?.close();
    await start({ CHIRON_MODEL_ROUTES: 'editor-*=emacs' });
    expect(await answerTo('editor-1')).toContain('hi: emacs ');
    expect(await answerTo('other')).toBe('from Claude Code');
  });
});
