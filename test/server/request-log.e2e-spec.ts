import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChiron } from '../cli/run-chiron.js';
import { parseExecutionId } from '../../src/sessions/dto/execution-id.js';
import { eventually } from '../support/eventually.js';
import { AUDIENCE, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.js';
import { ask } from '../support/requests.js';
import { type RunningServer, startServer } from '../support/running-server.js';

type Line = Readonly<Record<string, unknown>>;

const CONFIGURED = 'key-of-alice-that-is-long-enough';

let provider: IdentityProvider;
let server: RunningServer;

const lines = (): readonly Line[] =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

/** The line of a request, once it is there. */
async function lineOf(requestId: string | undefined): Promise<Line> {
  const find = () => lines().find((line) => line['requestId'] === requestId && 'res' in line);
  await eventually(find).toBeDefined();
  return find() ?? {};
}

const post = (key: string, path: string, body: object) =>
  supertest(server.url).post(path).set('authorization', `Bearer ${key}`).send(body);

beforeAll(async () => {
  provider = await startIdentityProvider({ builder: { tenant: 'team-a' } });
  server = await startServer({
    CHIRON_DEFAULT_HARNESS: 'demo',
    CHIRON_API_KEYS: `alice:${CONFIGURED}`,
    CHIRON_OIDC_ISSUER: provider.issuer,
    CHIRON_OIDC_AUDIENCE: AUDIENCE,
  });
});

afterAll(async () => {
  await server.stop();
  await provider.close();
});

describe('the line of a request in the log', () => {
  it('names the tenant, the thread and the turn, which has a line with the same ids', async () => {
    const { headers } = await post(CONFIGURED, '/v1/messages', ask('echo said-by-somebody')).expect(200);
    const line = await lineOf(headers['request-id']);
    expect(line).toMatchObject({ tenant: 'alice', threadId: expect.any(String) as string });
    expect(line).not.toHaveProperty('keyId');
    const ended = () => lines().find(({ msg, turnId }) => msg === 'a turn has ended' && turnId === line['turnId']);
    await eventually(ended).toMatchObject({ tenant: 'alice', threadId: line['threadId'] });
  });

  it('names the key of the store by its id, and the holder of a token by its subject', async () => {
    const environment = { CHIRON_DATA_DIR: server.dataDirectory };
    const run = (...args: readonly string[]) => runChiron(server.dataDirectory, [...args, '--json'], environment);
    await run('tenants', 'create', 'acme');
    const made = JSON.parse((await run('keys', 'create', '--tenant', 'acme')).stdout) as Readonly<
      Record<string, string>
    >;
    const byKey = await post(made['key'] ?? '', '/v1/messages', ask('echo hi')).expect(200);
    expect(await lineOf(byKey.headers['request-id'])).toMatchObject({ tenant: 'acme', keyId: made['id'] });
    const token = await provider.token('builder');
    const byToken = await post(token, '/v1/messages', ask('echo hi')).expect(200);
    expect(await lineOf(byToken.headers['request-id'])).toMatchObject({ tenant: 'team-a', subject: 'builder' });
    const log = server.output();
    for (const secret of [made['key'], CONFIGURED, token, token.split('.')[2]]) expect(log).not.toContain(secret);
  });

  it('names the thread and the turn of a session, by their ids', async () => {
    const path = '/api/session/test:logged';
    const made = await post(CONFIGURED, path, { harness_type: 'demo' }).expect(200);
    const { threadId } = await lineOf(made.headers['request-id']);
    const text = JSON.stringify({ type: 'user', message: { content: [{ type: 'text', text: 'echo hi' }] } });
    const body = { idempotency_key: 'one', input_lines: [text] };
    const executed = await post(CONFIGURED, `${path}/execute`, body).expect(200);
    const turnId = (executed.body as { readonly execution_id: string }).execution_id;
    expect(await lineOf(executed.headers['request-id'])).toMatchObject({ threadId, turnId: parseExecutionId(turnId) });
  });

  it('has the same of a request whose answer is a stream', async () => {
    const { headers } = await post(CONFIGURED, '/v1/messages', ask('echo hi', { stream: true })).expect(200);
    const line = await lineOf(headers['request-id']);
    expect(line).toMatchObject({
      req: { method: 'POST', path: '/v1/messages' },
      res: { status: 200 },
      tenant: 'alice',
      threadId: expect.any(String) as string,
      msg: 'request completed',
    });
  });

  it('has neither tenant nor thread of a request that is refused', async () => {
    const { headers } = await post('wrong', '/v1/messages', ask('hi')).expect(401);
    const line = await lineOf(headers['request-id']);
    for (const field of ['tenant', 'keyId', 'subject', 'threadId', 'turnId']) expect(line).not.toHaveProperty(field);
  });

  it('has each field once, and no key, token, prompt or answer', async () => {
    const log = server.output();
    const requests = log.split('\n').filter((line) => line.includes('"requestId"'));
    expect(requests.length).toBeGreaterThan(4);
    for (const line of requests) expect(line.match(/"(?:tenant|threadId|turnId)":/g)).toSatisfy(isWithoutRepeats);
    expect(log).not.toContain('said-by-somebody');
  });
});

function isWithoutRepeats(fields: readonly string[] | null): boolean {
  return fields === null || new Set(fields).size === fields.length;
}
