import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { type Adapter, Provider } from 'oidc-provider';
import type { JsonValue } from '../../src/domain/harness-event.js';

/** The service for which the provider issues tokens. */
export const AUDIENCE = 'https://chiron.example.com';

/** Clients that may ask for a token, by their ids, and what the provider puts into their tokens. */
export type Clients = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Claims of a token; an `undefined` one is left out. */
type Claims = Readonly<Record<string, JsonValue | undefined>>;

/** A real identity provider on 127.0.0.1, whose clients get JWT access tokens with their own credentials. */
export interface IdentityProvider {
  readonly issuer: string;
  /** How often its keys were asked for. */
  readonly keyRequests: () => number;
  /** A token of a client for {@link AUDIENCE}, or for another service. */
  token(client: string, audience?: string): Promise<string>;
  /** Signs claims with the provider's current key. `iss`, `aud`, `sub`, `iat` and `exp` are those of a good token, unless given. */
  sign(claims: Claims, header?: Readonly<Record<string, string>>): Promise<string>;
  /** From now on, signs with another key, and publishes that one only. */
  rotate(): Promise<void>;
  /** Answers no more, until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const SECRET = 'a-secret-of-a-client-of-a-test';

/** Starts a provider. */
export async function startIdentityProvider(clients: Clients): Promise<IdentityProvider> {
  let handle: ReturnType<Provider['callback']> | undefined;
  let keyRequests = 0;
  const listener: RequestListener = (request, response) => {
    if (request.url === '/jwks') keyRequests += 1;
    void handle?.(request, response);
  };
  let server = await listen(listener, 0);
  const port = portOf(server);
  const issuer = `http://127.0.0.1:${port}`;
  let key: JWK;
  let count = 0;
  const rotate = async (): Promise<void> => {
    count += 1;
    key = { ...(await newKey()), kid: `key-${count}`, use: 'sig', alg: 'RS256' };
    handle = createProvider(issuer, clients, key).callback();
  };
  await rotate();
  const goAway = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    issuer,
    keyRequests: () => keyRequests,
    rotate,
    goAway,
    comeBack: async () => {
      server = await listen(listener, port);
    },
    close: goAway,
    token: async (client, audience = AUDIENCE) => {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: SECRET,
        resource: audience,
      });
      const response = await fetch(`${issuer}/token`, { method: 'POST', body });
      const answer = (await response.json()) as { readonly access_token?: string };
      if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`);
      return answer.access_token;
    },
    sign: async (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const good = { iss: issuer, aud: AUDIENCE, sub: 'somebody', iat: now, exp: now + 600 };
      const protectedHeader = { alg: 'RS256', ...(key.kid === undefined ? {} : { kid: key.kid }), ...header };
      return new SignJWT({ ...good, ...claims })
        .setProtectedHeader(protectedHeader)
        .sign(await importJWK(key, 'RS256'));
    },
  };
}

/** Signed tokens of clients need no memory. */
const NO_MEMORY: Adapter = {
  upsert: () => Promise.resolve(),
  find: () => Promise.resolve(),
  findByUserCode: () => Promise.resolve(),
  findByUid: () => Promise.resolve(),
  consume: () => Promise.resolve(),
  destroy: () => Promise.resolve(),
  revokeByGrantId: () => Promise.resolve(),
};

function createProvider(issuer: string, clients: Clients, key: JWK): Provider {
  return new Provider(issuer, {
    clients: Object.keys(clients).map((id) => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    })),
    adapter: () => NO_MEMORY,
    ttl: { ClientCredentials: 600 },
    jwks: { keys: [key] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: '',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: (_context, token) => ({ ...clients[token.clientId ?? ''] }),
  });
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return exportJWK(privateKey);
}

async function listen(listener: RequestListener, port: number): Promise<Server> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the provider does not listen on a port');
  return address.port;
}
