import { rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { startServer } from '../support/running-server.js';
import { newClaudeCode } from './support/claude-code.js';
import { newFolder, removeFolders } from './support/folders.js';
import { textOf } from './support/json.js';
import { CLAUDE_CODE, CODEX, skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];
const UNAVAILABLE = { type: 'api_error', details: { error_code: 'agent_unavailable' } };

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(removeFolders);

async function ask(text: string, more: object = {}): Promise<{ status: number; retry: string | null; body: unknown }> {
  const response = await fetch(`${rig?.server.url ?? ''}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', max_tokens: 1000, messages: [{ role: 'user', content: text }], ...more }),
  });
  return { status: response.status, retry: response.headers.get('x-should-retry'), body: await response.json() };
}

/** A model provider that answers everything with this error. */
async function refusingProvider(status: number, error: object): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(request.method === 'POST' ? status : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ type: 'error', error }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the provider has no port');
  return { url: `http://127.0.0.1:${address.port}`, close: () => void server.close() };
}

/** Leads the agent of a rig to another provider. */
const leadingTo = (url: string, key = 'sk-of-the-server'): Readonly<Record<string, string>> => ({
  CHIRON_HOME_TEMPLATE: '',
  ANTHROPIC_BASE_URL: url,
  ANTHROPIC_API_KEY: key,
  OPENAI_BASE_URL: `${url}/v1`,
  OPENAI_API_KEY: key,
  CHIRON_SANDBOX_PASSTHROUGH_ENV:
    'ANTHROPIC_BASE_URL,ANTHROPIC_API_KEY,OPENAI_BASE_URL,OPENAI_API_KEY,CLAUDE_CODE_MAX_RETRIES',
});

const REFUSALS = [
  [401, { type: 'authentication_error', message: 'Incorrect API key provided: sk-o****rver.' }],
  [400, { type: 'invalid_request_error', message: 'Your credit balance is too low. Go to Plans & Billing.' }],
  [401, { type: 'authentication_error', message: 'OAuth token has expired. Please obtain a new token.' }],
  [403, { type: 'permission_error', message: 'User: arn:aws:iam::123456789012:user/x is not authorized' }],
  [402, { type: 'billing_error', message: 'Pay 123456789012 first.' }],
] as const;

describe.skipIf(skipReason !== undefined).each([
  // Codex tries each again for a quarter of a minute.
  { harness: 'codex', refusals: REFUSALS.slice(0, 2) },
  { harness: 'claude-code', refusals: REFUSALS },
] as const)('An account of $harness that its provider refuses', ({ harness, refusals }) => {
  it.each(refusals)('with %i is an error of the server, and not of its caller: %j', async (status, error) => {
    const provider = await refusingProvider(status, error);
    rig = await startRig(harness, leadingTo(provider.url));
    const answer = await ask('Hello');
    provider.close();
    expect(answer).toMatchObject({ status: 500, retry: 'false', body: { error: UNAVAILABLE } });
    expect(JSON.stringify(answer.body)).toMatch(/server's administrator/);
    expect(JSON.stringify(answer.body)).not.toMatch(/\/login|sk-o|1234|Plans|OAuth/);
    expect(rig.server.output()).toMatch(/"level":50.*refused the account of the agent/);
  });

  it('without any login is an error of the server', async () => {
    const provider = await refusingProvider(401, { type: 'authentication_error', message: 'Missing bearer' });
    rig = await startRig(harness, leadingTo(provider.url, ''));
    const answer = await ask('Hello');
    provider.close();
    expect(answer).toMatchObject({ status: 500, retry: 'false', body: { error: UNAVAILABLE } });
    expect(JSON.stringify(answer.body)).toContain('is not logged in');
  });
});

describe.skipIf(skipReason !== undefined)('Claude Code in front of an agent that is not logged in', () => {
  it('sends one request, and shows its user to ask the administrator rather than to log in', async () => {
    const provider = await refusingProvider(401, { type: 'authentication_error', message: 'invalid x-api-key' });
    rig = await startRig('claude-code', leadingTo(provider.url));
    const { result, retries, exitCode } = await (await newClaudeCode(rig.server.url)).ask('Hello');
    provider.close();
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ is_error: true, api_error_status: 500 });
    expect(textOf(result['result'])).toContain("server's administrator");
    expect(textOf(result['result'])).not.toContain('/login');
    expect(retries).toBe(0);
  });
});

describe.skipIf(skipReason !== undefined).each(HARNESSES)('The program of %s', (harness) => {
  it('that is removed, inaccessible or broken while the server runs is reported as such', async () => {
    const folder = await newFolder('bin');
    const program = join(folder, 'agent');
    await symlink(harness === 'claude-code' ? CLAUDE_CODE : CODEX, program);
    rig = await startRig(harness, { CHIRON_CLAUDE_BIN: program, CHIRON_CODEX_BIN: program });
    expect((await ask('SCENE:text here')).status).toBe(200);
    const replaced = async (content: string | undefined, mode = 0o755) => {
      await rm(program);
      if (content !== undefined) await writeFile(program, content, { mode });
      const { status, retry, body } = await ask(`Hello ${String(content)} ${mode}`);
      expect({ status, retry, body }).toMatchObject({ status: 500, retry: 'false', body: { error: UNAVAILABLE } });
      return JSON.stringify(body);
    };
    expect(await replaced(undefined)).toContain('is not installed');
    await writeFile(program, '');
    expect(await replaced('#!/bin/sh\n', 0o644)).toContain('is not executable');
    expect(await replaced('\u0000\u0001')).toContain('is not executable');
    expect(await replaced('#!/no/such/interpreter\n')).toContain('is not installed');
    const log = rig.server.output();
    for (const reason of ['program-missing, ENOENT', 'program-not-runnable, EACCES', 'program-not-runnable, ENOEXEC'])
      expect(log).toContain(reason);
  });
});

describe.skipIf(skipReason !== undefined)('A prompt that is too long for Codex', () => {
  it.each([
    ['one text', 'a'.repeat(1_048_577)],
    ['several texts', [600_000, 600_000].map((length) => ({ type: 'text', text: 'b'.repeat(length) }))],
  ])('is reported as such, streamed or not, and the thread continues: %s', async (_, content) => {
    rig = await startRig('codex');
    const messages = [{ role: 'user', content }];
    for (const stream of [false, true]) {
      const answer = await ask('', { messages, stream });
      expect(answer).toMatchObject({ status: 400, retry: 'false', body: { error: { type: 'invalid_request_error' } } });
      expect(JSON.stringify(answer.body)).toContain('"prompt is too long: more than 1048576 characters"');
    }
    expect((await ask('SCENE:text short')).status).toBe(200);
  });
});

describe.skipIf(skipReason !== undefined)('A server whose agents cannot reach a model', () => {
  it('reports it at startup, in its summary and its log, without any value of a setting', async () => {
    rig = await startRig('claude-code', {
      ANTHROPIC_API_KEY: '',
      ANTHROPIC_BASE_URL: 'https://a-secret.example/v1',
      CLAUDE_CODE_USE_BEDROCK: 'a-secret',
      CHIRON_MODEL_ROUTES: 'gpt-*=demo',
    });
    const { server } = rig;
    const told = [
      'Claude Code has no login',
      'ANTHROPIC_BASE_URL ends in /v1',
      'CLAUDE_CODE_USE_BEDROCK is set',
      'leads to demo',
    ];
    for (const words of told) {
      expect(server.output()).toMatch(new RegExp(`^  warning +.*${words}`, 'm'));
      await vi.waitFor(() => expect(server.output()).toMatch(new RegExp(`"level":40.*${words}`)));
    }
    expect(server.output()).not.toContain('a-secret');
  });

  it('does not start if its agents would use it as their own model', async () => {
    const port = await freePort();
    const start = startServer({
      PORT: String(port),
      CHIRON_CLAUDE_BIN: CLAUDE_CODE,
      ANTHROPIC_BASE_URL: `http://localhost:${port}`,
    });
    await expect(start).rejects.toThrow('ANTHROPIC_BASE_URL: is the address of this server');
    await expect(start).rejects.not.toThrow('    at ');
  });
});

async function freePort(): Promise<number> {
  const provider = await refusingProvider(500, {});
  provider.close();
  return Number(new URL(provider.url).port);
}
