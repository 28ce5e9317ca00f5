import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { PDF, PIXEL } from './support/samples.js';
import { loadSdk, type Sdk } from './support/sdk.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('An SDK in front of %s', (harness) => {
  let sdk: Sdk;
  let rig: Rig;

  beforeAll(async () => {
    sdk = await loadSdk('sdk-1');
    rig = await startRig(harness);
  });
  afterAll(async () => {
    await rig.close();
    await removeFolders();
  });

  const newClient = () => new sdk.Anthropic({ baseURL: rig.server.url, apiKey: 'any', maxRetries: 0 });
  const asking = (content: string) => ({
    model: 'default',
    max_tokens: 1000,
    messages: [{ role: 'user' as const, content }],
  });

  it('passes an image to the inner model', async () => {
    const message = await newClient().messages.create({
      ...asking(''),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
            { type: 'text', text: 'SCENE:text A pixel' },
          ],
        },
      ],
    });
    expect(message.content).toMatchObject([{ type: 'text', text: 'A pixel' }]);
    expect(JSON.stringify(rig.model.requests.at(-1)?.body)).toContain(PIXEL.slice(0, 24));
  });

  it('passes a PDF to the inner agent', async () => {
    const message = await newClient().messages.create({
      ...asking(''),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF }, title: 'a.pdf' },
            { type: 'text', text: 'SCENE:text A page' },
          ],
        },
      ],
    });
    expect(message.content).toMatchObject([{ type: 'text', text: 'A page' }]);
    // Claude Code reads it by itself; Codex takes no documents, and is told of a file.
    const expected = harness === 'claude-code' ? PDF : 'is in the file';
    expect(JSON.stringify(rig.model.requests.at(-1)?.body)).toContain(expected);
  });

  it('passes a system prompt to the inner model unchanged', async () => {
    await newClient().messages.create({ ...asking('SCENE:text yes'), system: 'Speak in rhymes.' });
    const system = rig.model.requests.at(-1)?.system ?? '';
    expect(system).toContain('Speak in rhymes.');
    expect(system).not.toContain('the caller, not yours');
  });

  it('gets the same message streamed and unstreamed, with a block per tool call and per output', async () => {
    const { messages } = newClient().beta;
    const prompt = asking('SCENE:tool echo "$((6 * 7)) lines"; exit 3');
    const whole = await messages.create(prompt);
    const streamed = await messages.stream(prompt).finalMessage();
    const said = ({ content, usage }: typeof whole) => ({
      content: content.map((block) => ({ ...block, id: 'any', tool_use_id: 'any', input: 'any' })),
      // SDK 1.12.0 keeps the one of `message_start`, which does not tell it.
      usage: { ...usage, cache_creation: 'any' },
    });
    expect(said(streamed)).toEqual(said(whole));
    expect(whole.content.filter(({ type }) => type !== 'thinking')).toMatchObject([
      { type: 'text' },
      { type: 'mcp_tool_use', server_name: 'agent' },
      {
        type: 'mcp_tool_result',
        is_error: true,
        content: [{ type: 'text', text: expect.stringContaining('42 lines') }],
      },
      { type: 'text', text: expect.stringContaining('It printed') },
    ]);
  });

  it('gets each word when the inner model emits it', async () => {
    const deltas: string[] = [];
    const stream = newClient()
      .messages.stream(asking('SCENE:slow 10 20'))
      .on('text', (delta) => deltas.push(delta));
    const text = Array.from({ length: 10 }, (_, index) => `word${index} `).join('');
    expect((await stream.finalText()).trim()).toBe(text.trim());
    expect(deltas.length).toBeGreaterThanOrEqual(5);
  });

  it('stops a turn with its cancel route, and can continue the thread', async () => {
    const client = newClient();
    const onThread = { headers: { 'x-chiron-thread-key': `api:cancelled-${harness}` } };
    const stream = client.messages.stream(asking('SCENE:slow 10000 20'), onThread);
    const id = await new Promise<string>((resolve, reject) => {
      stream.on('text', () => resolve(stream.currentMessage?.id ?? '')).on('error', reject);
    });
    expect(await client.post(`/v1/messages/${id}/cancel`, { body: {} })).toEqual({ cancelled: true });
    const message = await stream.finalMessage();
    expect(message).toMatchObject({ id, stop_reason: 'end_turn' });
    const next = await client.messages.create(asking('SCENE:text Still here'), onThread);
    expect(next.content).toMatchObject([{ type: 'text', text: 'Still here' }]);
  });

  it.each([
    ['SCENE:fail 429 rate_limit_error', 429, 'rate_limit_error'],
    ['SCENE:fail 401 authentication_error', 500, 'api_error'],
    ['SCENE:fail 500 api_error', 500, 'api_error'],
  ])('gets the status of the failure %s', async (prompt, status, type) => {
    const failure = newClient().messages.create(asking(prompt));
    await expect(failure).rejects.toMatchObject({ status, type });
  });
});
