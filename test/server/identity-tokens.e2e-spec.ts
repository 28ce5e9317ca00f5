import { createHash, createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUDIENCE, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const KEY = 'key-of-alice-that-is-long-enough';
const apiKeys = [{ name: 'alice', sha256: createHash('sha256').update(KEY).digest() }];

const CLIENTS = {
  builder: { tenant: 'team-a' },
  other: { tenant: 'team-b' },
  admin: { tenant: 'ops', groups: ['everybody', 'chiron-admins'] },
  nobody: {},
  odd: { tenant: 'a team/with spaces' },
  several: { tenant: ['team-a', 'team-b'] },
};

let provider: IdentityProvider;
let app: TestApp;

beforeEach(async () => {
  provider = await startIdentityProvider(CLIENTS);
  app = await startTestApp({
    apiKeys,
    oidcIssuer: provider.issuer,
    oidcAudience: AUDIENCE,
    oidcAdminClaim: { claim: 'groups', value: 'chiron-admins' },
  });
  app.harness.onRun = (run) => run.answer('fine');
});

afterEach(async () => {
  await app.close();
  await provider.close();
});

const post = (token: string, headers: Readonly<Record<string, string>> = {}) =>
  supertest(app.url)
    .post('/v1/messages')
    .set({ authorization: `Bearer ${token}`, ...headers })
    .send(ask('hi'));

const sessions = async (token: string): Promise<readonly string[]> => {
  const { body } = await supertest(app.url).get('/api/sessions').set('authorization', `Bearer ${token}`).expect(200);
  return (body as { readonly sessions: readonly { readonly thread_key: string }[] }).sessions.map(
    ({ thread_key }) => thread_key,
  );
};

describe('a server that accepts the tokens of an identity provider', () => {
  it('gives a token the threads of the tenant that it names, and no others', async () => {
    const [builder, other] = [await provider.token('builder'), await provider.token('other')];
    await post(builder, thread('of-a')).expect(200);
    await post(KEY, thread('of-alice')).expect(200);
    expect(await sessions(builder)).toEqual(['test:of-a']);
    expect(await sessions(other)).toEqual([]);
    expect(await sessions(await provider.sign({ tenant: 'alice' }))).toEqual(['test:of-alice']);
  });

  it('asks the provider for its keys once', async () => {
    for (let count = 0; count < 3; count += 1) await post(await provider.token('builder')).expect(200);
    expect(provider.keyRequests()).toBe(1);
  });

  it('accepts a token as x-api-key, and beside a key that is none', async () => {
    const token = await provider.token('builder');
    await supertest(app.url).post('/v1/messages').set('x-api-key', token).send(ask('hi')).expect(200);
    await post(token, { 'x-api-key': 'placeholder' }).expect(200);
  });

  it('needs a key or a token', async () => {
    await supertest(app.url).post('/v1/messages').send(ask('hi')).expect(401);
    await supertest(app.url).get('/metrics').expect(401);
  });

  it('refuses a wrong token in the words for a wrong key', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const tenant = 'team-a';
    const good = await provider.token('builder');
    const [head = '', body = '', signature = ''] = good.split('.');
    const changed = Buffer.from(body, 'base64url').toString().replace('team-a', 'team-b');
    const stranger = await generateKeyPair('RS256', { extractable: true });
    const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'me', tenant };
    const publicKey = JSON.stringify(await exportJWK(stranger.publicKey));
    const hmacHead = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'key-1' })).toString('base64url');
    const hmac = createHmac('sha256', publicKey).update(`${hmacHead}.${body}`).digest('base64url');
    const wrong: Readonly<Record<string, string>> = {
      'another audience': await provider.token('builder', 'https://other.example.com'),
      expired: await provider.sign({ tenant, exp: seconds - 120 }),
      'not valid yet': await provider.sign({ tenant, nbf: seconds + 120 }),
      'without an expiry': await provider.sign({ tenant, exp: undefined }),
      'without a subject': await provider.sign({ tenant, sub: undefined }),
      'another issuer': await provider.sign({ tenant, iss: 'https://evil.example.com' }),
      'changed claims': `${head}.${Buffer.from(changed).toString('base64url')}.${signature}`,
      'the key of a stranger': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
        .setExpirationTime('10m')
        .sign(stranger.privateKey),
      'an unknown key': await provider.sign({ tenant }, { kid: 'key-9' }),
      unsigned: new UnsecuredJWT(claims).setExpirationTime('10m').encode(),
      'unsigned, with a signature': `${new UnsecuredJWT(claims).setExpirationTime('10m').encode()}${signature}`,
      HMAC: `${hmacHead}.${body}.${hmac}`,
      garbage: 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA',
    };
    const { text } = await post('wrong').expect(401);
    const withoutId = (answer: string): string => answer.replace(/req_[\da-f]+/, 'req_');
    for (const [what, token] of Object.entries(wrong)) {
      const answer = await post(token);
      expect([answer.status, withoutId(answer.text)], what).toEqual([401, withoutId(text)]);
    }
    await post(good).expect(200);
  });

  it('accepts a token of a provider whose clock is a little behind', async () => {
    await post(await provider.sign({ tenant: 'team-a', exp: Math.floor(Date.now() / 1000) - 5 })).expect(200);
  });

  it('refuses a token that names no tenant with a 403 that says which claim', async () => {
    const missing = await post(await provider.token('nobody')).expect(403);
    expect(missing.body).toMatchObject({
      error: { type: 'permission_error', message: expect.stringContaining('the token has no claim tenant') as string },
    });
    for (const client of ['odd', 'several']) {
      const { text } = await post(await provider.token(client)).expect(403);
      expect(text).toContain('the claim tenant of the token is no name of a tenant');
    }
  });

  it('lets administrators in by a claim, and names them in the audit log', async () => {
    const admin = await provider.token('admin');
    const send = (token: string) =>
      supertest(app.url).post('/api/admin/tenants').set('authorization', `Bearer ${token}`).send({ name: 'new-team' });
    await send(await provider.token('builder')).expect(403);
    await send(admin).expect(201);
    const audit = await supertest(app.url).get('/api/admin/audit').set('authorization', `Bearer ${admin}`).expect(200);
    expect(audit.body).toMatchObject({ data: [{ action: 'tenant.create', actor: 'oidc:admin' }] });
  });

  it('names an administrator with an odd subject by its digest', async () => {
    const admin = await provider.sign({ tenant: 'ops', groups: 'chiron-admins', sub: 'key_1\n\u202Efake' });
    await supertest(app.url)
      .post('/api/admin/tenants')
      .set('authorization', `Bearer ${admin}`)
      .send({ name: 'new-team' })
      .expect(201);
    const { body } = await supertest(app.url).get('/api/admin/audit').set('authorization', `Bearer ${admin}`);
    expect(body).toMatchObject({
      data: [{ actor: expect.stringMatching(/^oidc:sha256-[\da-f]{64}$/) as string }],
    });
  });
});

describe('a provider that changes its keys', () => {
  it('has its new tokens accepted at once, and the old ones refused', async () => {
    const old = await provider.token('builder');
    await post(old).expect(200);
    await provider.rotate();
    await post(await provider.token('builder')).expect(200);
    await post(old).expect(401);
  });

  it('is not asked again for each token with an unknown key', async () => {
    for (let count = 0; count < 5; count += 1) {
      await post(await provider.sign({ tenant: 'team-a' }, { kid: `unknown-${count}` })).expect(401);
    }
    // Once as the first token came, once more for the first unknown key.
    expect(provider.keyRequests()).toBe(2);
  });
});

describe('a provider that is away', () => {
  it('leaves those in whose keys are known', async () => {
    const token = await provider.token('builder');
    await post(token).expect(200);
    await provider.goAway();
    try {
      await post(token).expect(200);
      await post(KEY).expect(200);
    } finally {
      await provider.comeBack();
    }
  });

  it('makes tokens wait with a 503 while its keys are not known; keys work', async () => {
    const token = await provider.token('builder');
    await provider.goAway();
    try {
      const { body, headers } = await post(token).expect(503);
      expect(body).toEqual({
        type: 'error',
        error: {
          type: 'api_error',
          message: 'The server cannot check tokens now, as the identity provider does not answer.',
        },
        request_id: headers['request-id'],
      });
      await post(KEY).expect(200);
      await post('wrong').expect(401);
    } finally {
      await provider.comeBack();
    }
  });
});
