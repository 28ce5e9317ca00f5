// Over 250 lines because every case needs a provider, a file and a clock of its own.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../domain/harness-event.js';
import type { UpstreamLogin } from '../../../protocol.js';
import { Login, type TokenAnswer } from './login.js';

const HOUR_MS = 3_600_000;

let folder: string;
let file: string;
let spare: string;
const asked: JsonObject[] = [];
const notices: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-login-'));
  mkdirSync(join(folder, 'template'));
  file = join(folder, 'template/login.json');
  spare = join(folder, 'data/logins/p.json');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  asked.splice(0);
  notices.splice(0);
});

/** The forms of both programs in one. */
const source = (): UpstreamLogin => ({
  program: 'Claude Code',
  file,
  accessToken: ['tokens', 'access'],
  headers: { 'x-account': ['tokens', 'account'] },
  renewal: {
    url: 'https://provider/token',
    form: { client_id: 'c', scope: 'a b' },
    refreshToken: ['tokens', 'refresh'],
    expiresAt: ['tokens', 'end'],
    renewedAt: ['renewed'],
    kept: { id_token: ['tokens', 'id'] },
  },
});

function write(access: string, refresh: string, lifetimeMs: number): void {
  const tokens = { access, refresh, account: 'acc', end: Date.now() + lifetimeMs, other: 1 };
  writeFileSync(file, JSON.stringify({ kept: [1], tokens }));
}

const read = (): { readonly tokens: Readonly<Record<string, unknown>> } => JSON.parse(readFileSync(file, 'utf8'));

const ok = (fields: JsonObject): TokenAnswer => ({ status: 200, body: JSON.stringify(fields) });
const RENEWED = ok({ access_token: 'at-2', refresh_token: 'rt-2', expires_in: 3600, id_token: 'it-2' });
const REFUSED: TokenAnswer = { status: 400, body: '{"error":"invalid_grant"}' };

function open(answer: () => TokenAnswer | Promise<TokenAnswer>, from = source()): Login {
  return new Login(from, {
    post: async (_, body) => {
      asked.push(body);
      return answer();
    },
    spare,
    onNotice: (what) => notices.push(what),
  });
}

describe('A login of the deployment', () => {
  it('gives its token, with the headers that belong to it, as long as it has not ended', async () => {
    write('at-1', 'rt-1', HOUR_MS);
    const granted = await open(() => RENEWED).grant();
    expect(granted).toEqual({ token: 'at-1', headers: { authorization: 'Bearer at-1', 'x-account': 'acc' } });
    expect(asked).toEqual([]);
  });

  it('is renewed before it ends, by one of many requests, and written where it was, with its mode', async () => {
    write('at-1', 'rt-1', 60_000);
    chmodSync(file, 0o640);
    const login = open(() => RENEWED);
    const granted = await Promise.all([login.grant(), login.grant(), login.grant()]);
    expect(granted.map(({ token }) => token)).toEqual(['at-2', 'at-2', 'at-2']);
    expect(asked).toEqual([{ grant_type: 'refresh_token', refresh_token: 'rt-1', client_id: 'c', scope: 'a b' }]);
    expect(read()).toMatchObject({
      kept: [1],
      tokens: { access: 'at-2', refresh: 'rt-2', account: 'acc', id: 'it-2', other: 1, end: expect.any(Number) },
      renewed: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(folder, 'template'))).toEqual(['login.json']);
    expect(await login.grant()).toMatchObject({ token: 'at-2' });
    expect(asked).toHaveLength(1);
  });

  it('keeps its refresh token where the provider gives no other', async () => {
    write('at-1', 'rt-1', -1);
    await open(() => ok({ access_token: 'at-2', expires_in: 3600 })).grant();
    expect(read().tokens).toMatchObject({ access: 'at-2', refresh: 'rt-1' });
  });

  it('that is a JWT ends when that says', async () => {
    const toJwt = (end: number) => `h.${Buffer.from(JSON.stringify({ exp: end })).toString('base64url')}.s`;
    const { renewal, ...rest } = source();
    const { expiresAt: _, ...withoutEnd } = renewal ?? { url: '', form: {}, refreshToken: [] };
    const login = open(() => RENEWED, { ...rest, renewal: withoutEnd });
    const later = toJwt(Date.now() / 1000 + 3600);
    write(later, 'rt-1', 0);
    expect((await login.grant()).token).toBe(later);
    write(toJwt(Date.now() / 1000 + 60), 'rt-1', 0);
    expect((await login.grant()).token).toBe('at-2');
    write('no-jwt', 'rt-1', 0);
    expect((await login.grant()).token).toBe('no-jwt');
  });

  it('is renewed once when the provider refuses its token, and not again for the new one', async () => {
    write('at-1', 'rt-1', HOUR_MS);
    const login = open(() => RENEWED);
    expect(await Promise.all([login.replace('at-1'), login.replace('at-1')])).toEqual([true, true]);
    expect(asked).toHaveLength(1);
    expect(await login.replace('at-1')).toBe(true);
    expect(await login.replace('at-2')).toBe(false);
    expect(asked).toHaveLength(1);
  });

  it('counts at once when an operator or another program has renewed it', async () => {
    write('at-1', 'rt-1', HOUR_MS);
    const login = open(() => RENEWED);
    await login.grant();
    write('at-9', 'rt-9', HOUR_MS);
    expect((await login.grant()).token).toBe('at-9');
    expect(await login.replace('at-1')).toBe(true);
    expect(asked).toEqual([]);
  });

  it('is taken from its file where another program has used the refresh token first', async () => {
    write('at-1', 'rt-1', -1);
    const login = open(() => {
      write('at-9', 'rt-9', HOUR_MS);
      return REFUSED;
    });
    expect((await login.grant()).token).toBe('at-9');
    expect(notices).toEqual([]);
  });

  it('of an operator who has logged in meanwhile is not overwritten', async () => {
    write('at-1', 'rt-1', -1);
    const login = open(() => {
      write('at-9', 'rt-9', HOUR_MS);
      return RENEWED;
    });
    expect((await login.grant()).token).toBe('at-9');
    expect(read().tokens).toMatchObject({ access: 'at-9', refresh: 'rt-9' });
  });

  it('that its provider has ended is an error, is asked for once, and is good again after a new login', async () => {
    write('at-1', 'rt-1', -1);
    const login = open(() => REFUSED);
    for (let round = 0; round < 2; round += 1) {
      await expect(login.grant()).rejects.toMatchObject({
        message: 'The login of Claude Code has ended: its provider does not renew it. Log in again.',
        isPassing: false,
      });
    }
    expect(asked).toHaveLength(1);
    expect(notices).toEqual(['The provider has refused to renew the login of Claude Code. Log in again.']);
    write('at-9', 'rt-9', HOUR_MS);
    expect((await login.grant()).token).toBe('at-9');
  });

  it.each<[string, () => TokenAnswer | Promise<TokenAnswer>]>([
    ['cannot be reached', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['answered with status 503', () => ({ status: 503, body: '' })],
    ['answered with status 200', () => ({ status: 200, body: '<html>' })],
  ])('whose provider %s is a passing error, and is tried again', async (why, answer) => {
    write('at-1', 'rt-1', -1);
    let isDown = true;
    const login = open(() => (isDown ? answer() : RENEWED));
    await expect(login.grant()).rejects.toMatchObject({ isPassing: true });
    expect(notices).toEqual([`The login of Claude Code was not renewed: its provider ${why}.`]);
    isDown = false;
    expect((await login.grant()).token).toBe('at-2');
  });

  it('is used to its end while it cannot be renewed', async () => {
    write('at-1', 'rt-1', 60_000);
    expect((await open(() => ({ status: 503, body: '' })).grant()).token).toBe('at-1');
  });

  it.each([
    ['is no JSON', 'no JSON', 'cannot be read on this server'],
    ['has no token', '{"tokens":{}}', 'has no token. Log in again'],
    ['has a token that no header can hold', '{"tokens":{"access":"two\\nlines"}}', 'has no token. Log in again'],
    [
      'has ended and no refresh token',
      '{"tokens":{"access":"at","end":1}}',
      'has ended and cannot be renewed. Log in again',
    ],
  ])('in a file that %s is an error', async (_, text, message) => {
    writeFileSync(file, text);
    await expect(open(() => RENEWED).grant()).rejects.toThrow(`The login of Claude Code ${message}.`);
  });

  it('that is a key is never renewed', async () => {
    writeFileSync(file, '{"OPENAI_API_KEY":"sk"}');
    const login = open(() => RENEWED, { program: 'Codex', file, accessToken: ['OPENAI_API_KEY'] });
    expect(await login.grant()).toEqual({ token: 'sk', headers: { authorization: 'Bearer sk' } });
    expect(await login.replace('sk')).toBe(false);
  });

  it('is written to the file that a link in the template leads to', async () => {
    const target = join(folder, 'secret.json');
    write('at-1', 'rt-1', -1);
    writeFileSync(target, readFileSync(file));
    rmSync(file);
    symlinkSync('../secret.json', file);
    await open(() => RENEWED).grant();
    expect(readFileSync(target, 'utf8')).toContain('at-2');
    expect(read().tokens).toMatchObject({ access: 'at-2' });
  });

  it('that cannot be written to its file is kept by the server, until an operator logs in again', async () => {
    write('at-1', 'rt-1', -1);
    // A folder in the way of the new file, as root may write to a folder that is read-only.
    const blocker = `${file}.chiron-${process.pid}`;
    mkdirSync(blocker);
    await open(() => RENEWED).grant();
    expect(read().tokens).toMatchObject({ access: 'at-1' });
    expect(statSync(spare).mode & 0o777).toBe(0o600);
    expect(notices).toEqual([expect.stringContaining('is kept in the data folder')]);
    const later = open(() => ok({ access_token: 'at-3', refresh_token: 'rt-3', expires_in: 3600 }));
    expect((await later.grant()).token).toBe('at-2');
    expect(await later.replace('at-2')).toBe(true);
    expect(asked.at(-1)).toMatchObject({ refresh_token: 'rt-2' });
    expect((await open(() => REFUSED).grant()).token).toBe('at-3');
    write('at-9', 'rt-9', HOUR_MS);
    expect((await open(() => REFUSED).grant()).token).toBe('at-9');
    rmSync(blocker, { recursive: true });
    write('at-9', 'rt-9', -1);
    await open(() => RENEWED).grant();
    expect([read().tokens['access'], existsSync(spare)]).toEqual(['at-2', false]);
  });

  it('that can be written nowhere is kept in memory', async () => {
    write('at-1', 'rt-1', -1);
    mkdirSync(`${file}.chiron-${process.pid}`);
    writeFileSync(join(folder, 'data'), 'no folder');
    const login = open(() => RENEWED);
    await login.grant();
    expect((await login.grant()).token).toBe('at-2');
    expect(asked).toHaveLength(1);
    expect(notices).toEqual([
      'The renewed login of Claude Code cannot be written: after the next start, log in again.',
    ]);
  });
});
