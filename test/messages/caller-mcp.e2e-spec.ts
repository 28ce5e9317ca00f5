import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/storage/database/database.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const DEPLOYED = {
  name: 'wiki',
  url: 'https://wiki.example/mcp',
  headers: { 'x-key': 'deployed' },
  allowedTools: undefined,
};
const TOKEN = 'tok-5ecret';
const docs = (more: object = {}) => ({
  type: 'url',
  name: 'docs',
  url: 'https://docs.example/mcp',
  authorization_token: TOKEN,
  ...more,
});

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ callerMcp: 'allowlist', callerMcpHosts: ['docs.example'], mcpServers: [DEPLOYED] });
  app.harness.onRun = (run) => run.end({ type: 'text-delta', id: 'a', text: 'fine' });
});

afterAll(() => app.close());

const post = (body: object, at = app) => supertest(at.url).post('/v1/messages').send(body);

describe('the MCP servers of a request', () => {
  it('are given to the agent beside those of the deployment, and their token is in no row', async () => {
    const tools = [
      {
        type: 'mcp_toolset',
        mcp_server_name: 'docs',
        default_config: { enabled: false },
        configs: { search: { enabled: true } },
      },
    ];
    await post(ask('with servers', { mcp_servers: [docs()], tools })).expect(200);
    expect(app.harness.runsOf('with servers')[0]?.turn.mcpServers).toEqual([
      DEPLOYED,
      {
        name: 'docs',
        url: 'https://docs.example/mcp',
        headers: { authorization: `Bearer ${TOKEN}` },
        allowedTools: ['search'],
      },
    ]);
    const rows = await app.app.get(Database).kysely.selectFrom('turns').selectAll().execute();
    expect(JSON.stringify(rows)).toContain('docs.example');
    expect(JSON.stringify(rows)).not.toContain(TOKEN);
  });

  it('are those of the deployment alone when it has none', async () => {
    await post(ask('without servers')).expect(200);
    expect(app.harness.runsOf('without servers')[0]?.turn.mcpServers).toEqual([DEPLOYED]);
  });

  it('may allow some tools only', async () => {
    const servers = [docs({ tool_configuration: { allowed_tools: ['search'] } })];
    await post(ask('older form', { mcp_servers: servers })).expect(200);
    expect(app.harness.runsOf('older form')[0]?.turn.mcpServers?.at(-1)?.allowedTools).toEqual(['search']);
  });

  it.each([
    [[docs({ url: 'https://other.example/mcp' })], 'mcp_servers.0.url: this server does not allow'],
    [[docs({ url: 'file:///etc/passwd' })], "mcp_servers.0.url: URL scheme should be 'http' or 'https'"],
    [[docs({ name: 'a b' })], 'mcp_servers.0.name: String should have'],
    [[docs({ name: 'wiki' })], 'mcp_servers: the name wiki is taken'],
    [[docs(), docs()], 'mcp_servers: the name docs is taken'],
    [[docs({ type: 'stdio' })], "mcp_servers.0.type: Input should be 'url'"],
    [[docs({ authorization_token: 'a\nb' })], 'mcp_servers.0.authorization_token: Input should be'],
    [['docs'], 'mcp_servers.0: Input should be a valid dictionary'],
  ])('are refused when they are wrong or not allowed: %#', async (servers, problem) => {
    const { body } = await post(ask('refused', { mcp_servers: servers })).expect(400);
    expect((body as { readonly error: { readonly message: string } }).error.message).toContain(problem);
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  it('are refused by an agent that cannot be given any', async () => {
    const { body } = await post(ask('hi', { model: 'demo', mcp_servers: [docs()] })).expect(400);
    expect(JSON.stringify(body)).toContain('mcp_servers: agents of demo cannot be given MCP servers.');
  });

  it('are refused unless the deployment allows them', async () => {
    const closed = await startTestApp();
    try {
      const { body } = await post(ask('hi', { mcp_servers: [docs()] }), closed).expect(400);
      expect(JSON.stringify(body)).toContain('this server does not allow MCP servers of callers');
      expect(await closed.count('threads')).toBe(0);
    } finally {
      await closed.close();
    }
  });

  it('are forgotten with the turn', async () => {
    await post(ask('once', { mcp_servers: [docs()] }), app)
      .set(thread('once'))
      .expect(200);
    await post(ask('again'), app).set(thread('once')).expect(200);
    expect(app.harness.runsOf('again')[0]?.turn.mcpServers).toEqual([DEPLOYED]);
  });
});
