import { createServer, request as httpRequest, type Server } from 'node:http';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.js';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';
import { newFolder, removeFolders } from './support/folders.js';
import { CLAUDE_CODE, CODEX, skipReason } from './support/programs.js';
import type { RealHarness } from './support/rig.js';

const HOUR = 3600;

/** A token end point with the answers of a test. */
async function startTokenEndPoint(answer: () => readonly [number, object]) {
  const asked: { readonly path: string | undefined; readonly body: Readonly<Record<string, unknown>> }[] = [];
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ path: request.url, body: JSON.parse(body) });
      const [status, fields] = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(fields));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

/** A provider before a scripted model that takes all tokens but one. */
async function startProvider(target: string, isRefused: (token: string) => boolean) {
  const server = createServer((incoming, outgoing) => {
    if (isRefused(incoming.headers.authorization ?? '')) {
      incoming.resume();
      outgoing.writeHead(401, { 'content-type': 'application/json' });
      outgoing.end('{"type":"error","error":{"type":"authentication_error","message":"OAuth token revoked"}}');
      return;
    }
    const { method, headers, url = '/' } = incoming;
    const forwarded = httpRequest(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of ChatGPT, which says itself when it ends. */
function toJwt(name: string, lifetimeSeconds: number): string {
  const exp = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  const account = { chatgpt_account_id: 'account-1', chatgpt_plan_type: 'pro' };
  return `${encode({ alg: 'none' })}.${encode({ exp, name, 'https://api.openai.com/auth': account })}.${encode({ name })}`;
}

/** The login of one program: its file, and the answer of its token end point. */
const LOGINS = {
  'claude-code': {
    path: '.claude/.credentials.json',
    tokenPath: '/v1/oauth/token',
    toToken: (name: string, _lifetime: number): string => `sk-ant-oat01-${name}`,
    toFile: (token: string, refreshToken: string, lifetime: number) => ({
      claudeAiOauth: {
        accessToken: token,
        refreshToken,
        expiresAt: Date.now() + lifetime * 1000,
        scopes: ['user:inference', 'user:profile'],
        subscriptionType: 'max',
      },
    }),
    form: { client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e', scope: 'user:inference user:profile' },
  },
  codex: {
    path: '.codex/auth.json',
    tokenPath: '/oauth/token',
    toToken: toJwt,
    toFile: (token: string, refreshToken: string, lifetime: number) => ({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: toJwt('id', lifetime),
        access_token: token,
        refresh_token: refreshToken,
        account_id: 'account-1',
      },
      last_refresh: '2026-01-01T00:00:00Z',
    }),
    form: { client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
  },
} as const;

describe.skipIf(skipReason !== undefined).each<RealHarness>(['claude-code', 'codex'])(
  'With a login of %s in the home template and CHIRON_MODEL_BROKER=on',
  (harness) => {
    const login = LOGINS[harness];
    let model: ScriptedModel;
    let endPoint: Awaited<ReturnType<typeof startTokenEndPoint>>;
    let answer: () => readonly [number, object];
    let file: string;
    let server: RunningServer | undefined;

    beforeEach(async () => {
      model = await (harness === 'claude-code' ? startScriptedAnthropicModel() : startScriptedResponsesModel());
      endPoint = await startTokenEndPoint(() => answer());
      file = join(await newFolder('home-template'), login.path);
      await mkdir(dirname(file), { recursive: true });
    });
    afterEach(async () => {
      await server?.stop();
      await model.close();
      endPoint.close();
    });
    afterAll(removeFolders);

    const renewsTo = (token: string, refreshToken: string) => {
      answer = () => [
        200,
        { access_token: token, refresh_token: refreshToken, expires_in: HOUR, id_token: toJwt('new-id', HOUR) },
      ];
    };
    const writeLogin = async (token: string, refreshToken: string, lifetime: number) => {
      await writeFile(file, JSON.stringify(login.toFile(token, refreshToken, lifetime)));
      await chmod(file, 0o600);
    };
    const start = async (providerUrl = model.url) => {
      server = await startServer({
        CHIRON_SANDBOX: 'local',
        CHIRON_MODEL_BROKER: 'on',
        CHIRON_HOME_TEMPLATE: dirname(dirname(file)),
        CHIRON_DEFAULT_HARNESS: harness,
        CHIRON_CLAUDE_BIN: CLAUDE_CODE,
        CHIRON_CODEX_BIN: CODEX,
        CHIRON_LOG_LEVEL: 'debug',
        CHIRON_SANDBOX_PASSTHROUGH_ENV:
          'ANTHROPIC_BASE_URL,OPENAI_BASE_URL,CLAUDE_CODE_CUSTOM_OAUTH_URL,CODEX_REFRESH_TOKEN_URL_OVERRIDE',
        ANTHROPIC_BASE_URL: providerUrl,
        OPENAI_BASE_URL: `${providerUrl}/v1`,
        CLAUDE_CODE_CUSTOM_OAUTH_URL: endPoint.url,
        CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${endPoint.url}${login.tokenPath}`,
      });
    };
    const say = async (content: string) => {
      const response = await fetch(`${server?.url ?? ''}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-chiron-thread-key': 'api:one' },
        body: JSON.stringify({ model: 'default', max_tokens: 99, messages: [{ role: 'user', content }] }),
      });
      return { status: response.status, text: await response.text() };
    };
    /** The credentials of the requests for answers, in their order. */
    const sentTokens = () => model.requests.flatMap(({ headers }) => headers['authorization'] ?? []);

    it('its agent works with a placeholder, finds no login, and its model gets the token', async () => {
      const token = login.toToken('one', HOUR);
      await writeLogin(token, 'rt-secret', HOUR);
      await start();
      const { status, text: said } = await say(
        `SCENE:tool env | grep -E "TOKEN|KEY|_URL"; cat ~/${login.path}; ls -d ~`,
      );
      expect([status, said]).toEqual([200, expect.stringContaining('No such file')]);
      expect(said).not.toContain(token);
      expect(said).not.toContain('rt-secret');
      // Claude Code 2.1.330 itself keeps this variable from its tools.
      expect(said).toMatch(
        harness === 'claude-code' ? /_BASE_URL=http:\S+\/anthropic-subscription/ : /OPENAI_API_KEY=[0-9a-f]{48}/,
      );
      expect(new Set(sentTokens())).toEqual(new Set([`Bearer ${token}`]));
      if (harness === 'codex') expect(model.requests.at(-1)?.headers['chatgpt-account-id']).toBe('account-1');
      else expect(model.requests.at(-1)?.headers['anthropic-beta']).toContain('oauth-2025-04-20');
      expect(server?.output()).not.toMatch(/rt-secret|can read its credentials/);
      expect(server?.output()).not.toContain(token);
      expect(endPoint.asked).toEqual([]);
    });

    it('a login that has ended is renewed, and the rotated one written back', async () => {
      const [old, next] = [login.toToken('old', -60), login.toToken('next', HOUR)];
      await writeLogin(old, 'rt-1', -60);
      renewsTo(next, 'rt-2');
      await start();
      expect((await say('SCENE:text Here')).text).toContain('Here');
      expect(endPoint.asked).toEqual([
        {
          path: login.tokenPath,
          body: { grant_type: 'refresh_token', refresh_token: 'rt-1', ...login.form },
        },
      ]);
      expect(new Set(sentTokens())).toEqual(new Set([`Bearer ${next}`]));
      const kept = await readFile(file, 'utf8');
      expect([kept.includes(next), kept.includes('rt-2'), kept.includes('rt-1')]).toEqual([true, true, false]);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(server?.output()).not.toMatch(/rt-[12]/);
    });

    it('a login that its provider has revoked is renewed, and the agent goes on by itself', async () => {
      const [revoked, next] = [login.toToken('revoked', HOUR), login.toToken('next', HOUR)];
      const provider = await startProvider(model.url, (token) => token === `Bearer ${revoked}`);
      await writeLogin(revoked, 'rt-1', HOUR);
      renewsTo(next, 'rt-2');
      await start(provider.url);
      expect((await say('SCENE:text Here')).text).toContain('Here');
      expect(endPoint.asked).toHaveLength(1);
      expect(new Set(sentTokens())).toEqual(new Set([`Bearer ${next}`]));
      provider.close();
    });

    it('a renewal that fails is an error that says so, until it works', async () => {
      await writeLogin(login.toToken('old', -60), 'rt-1', -60);
      answer = () => [400, { error: 'invalid_grant' }];
      await start();
      const failed = await say('SCENE:text Here');
      expect(failed.text).toContain('not logged in to its model provider');
      expect(server?.output()).toMatch(
        /The provider has refused to renew the login of (Claude Code|Codex)\. Log in again\./,
      );
      const again = login.toToken('again', HOUR);
      await writeLogin(again, 'rt-9', HOUR);
      expect((await say('SCENE:text There')).text).toContain('There');
      expect(new Set(sentTokens())).toEqual(new Set([`Bearer ${again}`]));
    });
  },
);
