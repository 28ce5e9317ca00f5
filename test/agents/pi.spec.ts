// Over 250 lines: everything that a caller sees of pi, on one server.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSharedFolder, removeFolders } from '../clients/support/folders.js';
import { killThreadProcesses, threadProcesses } from '../clients/support/processes.js';
import type { Rig } from '../clients/support/rig.js';
import { askAgent, askedSince, outputsOf } from './support/ask.js';
import { PI_MISSING, startPiRig } from './support/pi.js';
import { sessionOf } from './support/session.js';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

if (PI_MISSING !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') throw new Error(PI_MISSING);
if (PI_MISSING !== undefined) process.stderr.write(`Skipped, because ${PI_MISSING}.\n`);

describe.skipIf(PI_MISSING !== undefined)('pi', () => {
  let rig: Rig;
  let shared: Awaited<ReturnType<typeof newSharedFolder>>;

  beforeAll(async () => {
    shared = await newSharedFolder('marks');
    rig = await startPiRig({ ...shared.setting, CHIRON_DRAIN_SECONDS: '0' });
  });
  afterAll(async () => {
    await rig?.close();
    await removeFolders();
  });

  /** What commands wrote into a file of the shared folder. */
  const marks = async (name: string): Promise<string> => {
    const path = join(shared.path, name);
    return existsSync(path) ? readFile(path, 'utf8') : '';
  };
  const asked = (from: number): string => askedSince(rig, from);

  it('answers with a text, with the tokens that its model has counted', async () => {
    const answer = await askAgent(rig, 'text', 'SCENE:text hello from pi');
    expect(answer).toMatchObject({ status: 200, text: 'hello from pi', stopReason: 'end_turn' });
    expect(answer.usage).toMatchObject({
      input_tokens: 100,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 0,
    });
  });

  it('runs a command in the workspace, and counts both calls of its model', async () => {
    const { blocks, text, usage } = await askAgent(rig, 'tool', 'SCENE:tool echo one; basename "$PWD"');
    expect(blocks.map(({ type }) => type)).toEqual(['text', 'mcp_tool_use', 'mcp_tool_result', 'text']);
    expect(blocks[1]).toMatchObject({ name: 'bash', input: { command: 'echo one; basename "$PWD"' } });
    expect(outputsOf(blocks)).toBe('one\nworkspace\n');
    expect(text).toContain('It printed');
    expect(usage).toMatchObject({ input_tokens: 250, cache_creation_input_tokens: 20, cache_read_input_tokens: 300 });
  });

  it('says of a tool that it failed', async () => {
    const { blocks } = await askAgent(rig, 'failed-tool', 'SCENE:parallel echo one && exit 3');
    const results = blocks.filter(({ type }) => type === 'mcp_tool_result');
    expect(new Set(results.map(({ is_error }) => is_error))).toEqual(new Set([false, true]));
  });

  it('remembers the turn before in the same process', async () => {
    await askAgent(rig, 'two', 'SCENE:text first answer');
    const before = rig.model.requests.length;
    await askAgent(rig, 'two', 'SCENE:text second answer');
    expect(asked(before)).toContain('first answer');
  });

  it('hears AGENTS.md and the caller’s system prompt', async () => {
    await askAgent(rig, 'system', "SCENE:tool echo 'be brave' > AGENTS.md", { system: 'Speak like a sailor.' });
    expect(rig.model.requests.at(-1)?.system).toContain('Speak like a sailor.');
    await rig.server.stop();
    rig = await rig.startAgain();
    const before = rig.model.requests.length;
    await askAgent(rig, 'system', 'SCENE:text aye', { system: 'Speak like a sailor.' });
    // Pi tells a model that takes it of the change, and leaves the beginning as it was.
    expect(asked(before)).toMatch(/be brave.*Speak like a sailor\./);
  });

  it('shows its model an image', async () => {
    const before = rig.model.requests.length;
    const source = { type: 'base64', media_type: 'image/png', data: PIXEL };
    await askAgent(rig, 'image', [
      { type: 'text', text: 'SCENE:text seen' },
      { type: 'image', source },
    ]);
    expect(asked(before)).toContain('"media_type":"image/png"');
  });

  it('asks the model that a request names', async () => {
    await askAgent(rig, 'model', 'SCENE:text small', { model: 'pi/anthropic/claude-haiku-4-5' });
    expect(rig.model.requests.at(-1)?.model).toBe('claude-haiku-4-5');
  });

  it('fails a turn for a model that it does not know', async () => {
    const answer = await askAgent(rig, 'no-model', 'hi', { model: 'pi/no-such-model' });
    expect(answer).toMatchObject({ status: 404, errorType: 'not_found_error' });
  });

  it.each([
    [400, 'invalid_request_error', 400],
    [401, 'authentication_error', 500],
    [429, 'rate_limit_error', 429],
    [529, 'overloaded_error', 529],
  ])('tells the caller that its model answered %d', async (status, type, told) => {
    const answer = await askAgent(rig, `fail-${status}`, `SCENE:fail ${status} ${type}`);
    expect(answer.status).toBe(told);
  });

  it('forgets a refused prompt, and knows what it did for it', async () => {
    await askAgent(rig, 'refused', 'SCENE:text before');
    expect((await askAgent(rig, 'refused', 'REFUSED:policy')).status).toBe(400);
    expect(await askAgent(rig, 'refused', 'SCENE:text after')).toMatchObject({ status: 200, text: 'after' });
  });

  it('ends an interrupted turn at once, with its command', async () => {
    const session = sessionOf(rig, 'cancel');
    await session.create('pi');
    const turn = await session.execute(
      `SCENE:tool echo begun >> ${shared.path}/cancel; sleep 66.5; echo no >> ${shared.path}/cancel`,
    );
    await expect.poll(() => marks('cancel')).toBe('begun\n');
    await session.interrupt();
    expect(await session.events(turn)).toContain('interrupted');
    const commands = await Promise.all(
      (await threadProcesses(rig.server.dataDirectory)).map((pid) =>
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      ),
    );
    expect(commands.filter((command) => command.includes('66.5'))).toEqual([]);
    expect((await askAgent(rig, 'cancel', 'SCENE:text next')).text).toBe('next');
  });

  it('goes on with its conversation in a new server', async () => {
    await askAgent(rig, 'again', 'SCENE:text what was said');
    await rig.server.stop();
    rig = await rig.startAgain();
    const before = rig.model.requests.length;
    await askAgent(rig, 'again', 'SCENE:text more');
    expect(asked(before)).toContain('what was said');
  });

  it('goes on with a turn whose process was killed, without running its command again', async () => {
    const session = sessionOf(rig, 'kill');
    await session.create('pi');
    const turn = await session.execute(`SCENE:slow-tool echo x >> ${shared.path}/kill; echo ran`);
    await expect.poll(() => marks('kill')).toBe('x\n');
    await delay(300);
    await killThreadProcesses(rig.server.dataDirectory);
    expect(await session.events(turn)).toContain('completed');
    expect(await marks('kill')).toBe('x\n');
    const blocks = await session.newestBlocks();
    expect(blocks.filter(({ type }) => type === 'mcp_tool_use')).toHaveLength(1);
    expect(outputsOf(blocks)).toBe('ran\n');
  });

  it.each([
    ['process was killed', () => killThreadProcesses(rig.server.dataDirectory)],
    [
      'server was stopped',
      async () => {
        await rig.server.stop();
        rig = await rig.startAgain();
      },
    ],
  ])('goes on with a turn whose %s in a command, and does not run that again', async (what, end) => {
    const [name, file] = [`in-tool: ${what}`, `in-tool-${what.split(' ', 1)[0]}`];
    await sessionOf(rig, name).create('pi');
    await sessionOf(rig, name).execute(`SCENE:tool echo y >> ${shared.path}/${file}; sleep 50`);
    await expect.poll(() => marks(file)).toBe('y\n');
    await end();
    const again = sessionOf(rig, name);
    await expect.poll(async () => (await again.turns())[0]?.['status'], { timeout: 60_000 }).toBe('completed');
    expect(await marks(file)).toBe('y\n');
    expect(outputsOf(await again.newestBlocks())).toContain('died while this tool ran');
  });

  it('goes on with a turn whose server was killed', async () => {
    const session = sessionOf(rig, 'kill-server');
    await session.create('pi');
    await session.execute(`SCENE:slow-tool echo z >> ${shared.path}/server; echo ran`);
    await expect.poll(() => marks('server')).toBe('z\n');
    await delay(300);
    await rig.server.kill();
    rig = await rig.startAgain();
    const again = sessionOf(rig, 'kill-server');
    await expect.poll(async () => (await again.turns())[0]?.['status'], { timeout: 60_000 }).toBe('completed');
    expect(await marks('server')).toBe('z\n');
    const blocks = await again.newestBlocks();
    expect(blocks.filter(({ type }) => type === 'mcp_tool_use')).toHaveLength(1);
  });

  it('hears a message that the user sends while it works', async () => {
    const session = sessionOf(rig, 'steer');
    await session.create('pi');
    const turn = await session.execute(`SCENE:tool echo w >> ${shared.path}/steer; sleep 3`);
    await expect.poll(() => marks('steer')).toBe('w\n');
    await session.append('SCENE:text heard you');
    expect(await session.events(turn)).toContain('completed');
    expect(JSON.stringify(await session.newestBlocks())).toContain('heard you');
  });

  it('answers a side request by a schema, with no tools', async () => {
    const before = rig.model.requests.length;
    const format = { type: 'json_schema', schema: { type: 'object', properties: { summary: { type: 'string' } } } };
    const request = { tools: [], output_config: { format }, system: 'You write summaries.' };
    const client = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' };
    const answer = await askAgent(rig, 'side', 'SCENE:text {"summary":"s"}', request, client);
    expect(answer).toMatchObject({ status: 200, text: '{"summary":"s"}' });
    expect(asked(before)).toContain('JSON Schema');
    expect(asked(before)).not.toContain('"name":"bash"');
  });

  it('changes nothing that the deployment decides by files that an agent writes', async () => {
    const hostile = JSON.stringify({ providers: { anthropic: { baseUrl: 'http://127.0.0.1:9' } } });
    const extension = `require('node:fs').appendFileSync('${shared.path}/hostile', 'ran'); module.exports = () => {};`;
    const folders = ['$HOME/.pi/agent', '$HOME/.pi/chiron', '.pi'];
    const write = (folder: string): string =>
      [
        `mkdir -p ${folder}/extensions`,
        `cp h.json ${folder}/models.json`,
        `cp s.json ${folder}/settings.json`,
        `cp e.js ${folder}/extensions/e.js`,
        `echo 'OVERRIDDEN' > ${folder}/SYSTEM.md`,
      ].join('; ');
    const quote = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;
    const script = [
      `echo ${quote(hostile)} > h.json`,
      `echo ${quote('{"defaultProvider":"openai","sessionDir":"/tmp","defaultProjectTrust":"always"}')} > s.json`,
      `echo ${quote(extension)} > e.js`,
      ...folders.map(write),
    ].join('; ');
    expect((await askAgent(rig, 'hostile', `SCENE:tool ${script}`)).status).toBe(200);

    expect((await askAgent(rig, 'hostile', 'SCENE:text same process')).text).toBe('same process');

    await rig.server.stop();

    rig = await rig.startAgain();

    expect((await askAgent(rig, 'hostile', 'SCENE:text new process')).text).toBe('new process');
    expect(rig.model.requests.at(-1)?.system).not.toContain('OVERRIDDEN');
    expect(await marks('hostile')).toBe('');
  });

  it('answers a client of the Responses API', async () => {
    const response = await fetch(`${rig.server.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'pi', input: 'SCENE:tool echo from a response' }),
    });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain('It printed');
    expect(text).toContain('"cached_tokens":300');
  });

  it('goes on with its conversation after its idle process was stopped', async () => {
    await rig.server.stop();
    rig = await rig.startAgain({ CHIRON_HARNESS_IDLE_SECONDS: '1' });
    await askAgent(rig, 'idle', 'SCENE:text before the pause');
    await expect.poll(() => threadProcesses(rig.server.dataDirectory)).toEqual([]);
    const before = rig.model.requests.length;
    expect((await askAgent(rig, 'idle', 'SCENE:text after it')).text).toBe('after it');
    expect(asked(before)).toContain('before the pause');
  });

  it('asks its model by the broker, and has no key', async () => {
    await rig.server.stop();
    rig = await rig.startAgain({ CHIRON_MODEL_BROKER: 'on' });
    const { blocks, usage } = await askAgent(rig, 'broker', 'SCENE:tool env; cat $HOME/.pi/*/models.json');
    expect(outputsOf(blocks)).toContain('CHIRON_PI_TOKEN=');
    expect(outputsOf(blocks)).not.toContain('a-key-of-the-server');
    expect(usage).toMatchObject({ input_tokens: 250, cache_read_input_tokens: 300 });
    expect(rig.model.requests.at(-1)?.headers['x-api-key']).toBe('a-key-of-the-server');
    expect(rig.server.output()).not.toContain('count different tokens');
  });
});
