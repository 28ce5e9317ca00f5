import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/requests.js';
import { type RunningServer, startServer } from '../support/running-server.js';

const KEY = 'a-key-in-a-file-that-is-long-enough';
const TOKEN = 'a-token-in-a-file';

describe('a server whose secrets are in files', () => {
  let folder: string;
  let server: RunningServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-secrets-'));
    const [keys, token] = [join(folder, 'keys'), join(folder, 'token')];
    writeFileSync(keys, `alice:${KEY}\n`);
    writeFileSync(token, `${TOKEN}\n`);
    server = await startServer({
      CHIRON_DEFAULT_HARNESS: 'demo',
      CHIRON_API_KEYS_FILE: keys,
      CHIRON_SANDBOX_PASSTHROUGH_ENV: 'MY_TOKEN',
      MY_TOKEN_FILE: token,
    });
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('knows its callers and gives its agents their variables', async () => {
    const post = (key: string) =>
      supertest(server.url).post('/v1/messages').set('x-api-key', key).send(ask('!echo "$MY_TOKEN"'));
    await post('another-key-that-is-long-enough').expect(401);
    const { body } = await post(KEY).expect(200);
    expect(JSON.stringify(body)).toContain(TOKEN);
  });

  it('has no secret in the environment of its process', () => {
    const environment = readFileSync(`/proc/${server.pid}/environ`, 'utf8');
    expect(environment).toContain('CHIRON_API_KEYS_FILE');
    expect(environment).not.toContain(KEY);
    expect(environment).not.toContain(TOKEN);
  });
});
