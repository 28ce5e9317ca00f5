import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord, recordsOf, textOf } from './support/json.js';
import { loadOpenAi, OPENAI_SDKS } from './support/openai-sdk.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { PIXEL } from './support/samples.js';
import { loadSdk, said, type Sdk, SDKS } from './support/sdk.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

/** The bytes of the file in the only workspace that was asked for by this key. */
async function download(url: string, thread: string, path: string): Promise<string> {
  const answer = await fetch(`${url}/api/session/${encodeURIComponent(thread)}/files/${path}`, {
    headers: { 'x-api-key': KEY },
  });
  expect(answer.status).toBe(200);
  return answer.text();
}

describe('files', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  it.each(SDKS)('go through @anthropic-ai/sdk $version, and reach a message’s agent', async ({ packageName }) => {
    const { Anthropic, toFile } = await loadSdk(packageName);
    const client = new Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0 });
    const text = `words for ${packageName}`;
    const file = await client.beta.files.upload({
      file: await toFile(Buffer.from(text), 'words.txt', { type: 'text/plain' }),
    });
    expect(file).toMatchObject({
      type: 'file',
      filename: 'words.txt',
      mime_type: 'text/plain',
      size_bytes: text.length,
    });
    for (let number = 0; number < 3; number += 1) {
      await client.beta.files.upload({ file: await toFile(Buffer.from('x'), `${packageName}-${number}.txt`) });
    }
    const listed = await all(client.beta.files.list({ limit: 2 }));
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length);
    expect(listed.map(({ id }) => id)).toContain(file.id);
    expect(await client.beta.files.retrieveMetadata(file.id)).toMatchObject({ id: file.id });
    expect(await (await client.beta.files.download(file.id)).text()).toBe(text);
    const thread = `test:${packageName}`;
    const message = await client.beta.messages.create(
      {
        model: 'demo',
        max_tokens: 1000,
        betas: ['files-api-2025-04-14'],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'document', source: { type: 'file', file_id: file.id } },
              { type: 'text', text: 'Read it.' },
            ],
          },
        ],
      },
      { headers: { 'x-chiron-thread-key': thread } },
    );
    expect(said(message as never)).toContain(`uploads/${file.id}/words.txt in the workspace`);
    expect(await download(server.url, thread, `uploads/${file.id}/words.txt`)).toBe(text);
    expect(await client.beta.files.delete(file.id)).toMatchObject({ id: file.id });
    await expect(client.beta.files.retrieveMetadata(file.id)).rejects.toMatchObject({ status: 404 });
  });

  it.each(OPENAI_SDKS)('go through openai $version, and reach a response’s agent', async ({ packageName }) => {
    const { OpenAI, toFile } = await loadOpenAi(packageName);
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const text = `words for ${packageName}`;
    const file = await client.files.create({
      file: await toFile(Buffer.from(text), 'words.txt', { type: 'text/plain' }),
      purpose: 'user_data',
    });
    expect(file).toMatchObject({ object: 'file', filename: 'words.txt', bytes: text.length, purpose: 'user_data' });
    const more = await client.files.create({ file: await toFile(Buffer.from('x'), 'x.txt'), purpose: 'vision' });
    const listed = await all(client.files.list({ limit: 1, purpose: 'user_data' }));
    expect(listed.map(({ id }) => id)).toContain(file.id);
    expect(listed.map(({ id }) => id)).not.toContain(more.id);
    expect(await client.files.retrieve(file.id)).toMatchObject({ id: file.id });
    expect(await (await client.files.content(file.id)).text()).toBe(text);
    const thread = `test:${packageName}`;
    const response = await client.responses.create(
      {
        model: 'demo',
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_file', file_id: file.id },
              { type: 'input_text', text: 'Read it.' },
            ],
          },
        ],
      },
      { headers: { 'x-chiron-thread-key': thread } },
    );
    expect(response.output_text).toContain(`uploads/${file.id}/words.txt in the workspace`);
    expect(await download(server.url, thread, `uploads/${file.id}/words.txt`)).toBe(text);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({
      status: 404,
      message: `404 File not found: ${file.id}`,
      type: 'invalid_request_error',
      code: 'not_found',
    });
    await expect(
      client.files.create({ file: await toFile(Buffer.from('x'), 'x.txt'), purpose: 'no word' as 'vision' }),
    ).rejects.toMatchObject({ status: 400, param: 'purpose', type: 'invalid_request_error' });
    await expect(
      client.responses.create({
        model: 'demo',
        input: [{ role: 'user', content: [{ type: 'input_file', file_id: file.id }] }],
      }),
    ).rejects.toMatchObject({ status: 404, message: expect.stringContaining(`File not found: ${file.id}`) as string });
  });

  it('go through a form that fetch makes, which names no type', async () => {
    const folder = await newFolder('curl');
    const path = join(folder, 'data.csv');
    writeFileSync(path, 'a,b\n1,2\n');
    const form = new FormData();
    form.append('file', new Blob([await readFile(path)]), 'data.csv');
    const answer = await fetch(`${server.url}/v1/files`, {
      method: 'POST',
      headers: { 'x-api-key': KEY },
      body: form,
    });
    expect(await answer.json()).toMatchObject({ type: 'file', filename: 'data.csv', mime_type: 'text/csv' });
  });
});

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('uploaded files with %s', (harness) => {
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

  it('are shown to its model, and are where it reads them with its own tools', async () => {
    const client = new sdk.Anthropic({ baseURL: rig.server.url, apiKey: 'any', maxRetries: 0 });
    const image = await client.beta.files.upload({
      file: await sdk.toFile(Buffer.from(PIXEL, 'base64'), 'pixel.png', { type: 'image/png' }),
    });
    const secret = await client.beta.files.upload({
      file: await sdk.toFile(Buffer.from('the word is heliotrope'), 'secret.bin', { type: 'application/octet-stream' }),
    });
    const message = await client.beta.messages.create({
      model: 'default',
      max_tokens: 1000,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'file', file_id: image.id } },
            { type: 'container_upload', file_id: secret.id },
            { type: 'text', text: `SCENE:tool cat uploads/${secret.id}/secret.bin` },
          ],
        },
      ],
    });
    const asked = JSON.stringify(rig.model.requests.map(({ body }) => body));
    expect(asked).toContain(PIXEL.slice(0, 24));
    expect(asked).toContain(`uploads/${image.id}/pixel.png`);
    expect(asked).toContain(`uploads/${secret.id}/secret.bin`);
    // Only the tool has read it.
    expect(asked).toContain('heliotrope');
    const sessions: unknown = await (await fetch(`${rig.server.url}/api/sessions`)).json();
    const [session] = isRecord(sessions) ? recordsOf(sessions['sessions']) : [];
    const key = encodeURIComponent(textOf(session?.['thread_key']));
    const listed = await fetch(`${rig.server.url}/api/session/${key}/files?path=uploads`);
    expect(JSON.stringify(await listed.json())).toContain(`uploads/${secret.id}/secret.bin`);
    expect(message.stop_reason).toBe('end_turn');
  });
});
