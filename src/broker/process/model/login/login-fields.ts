import type { JsonObject, JsonValue } from '../../../../domain/harness-event.ts';
import { asNumber, asObject, asString, parseObject } from '../../../../domain/json.ts';
import type { JsonPath, LoginRenewal } from '../../../protocol.ts';

/** The value at a path; `undefined` if there is none. */
export function readPath(object: JsonObject, path: JsonPath): JsonValue | undefined {
  const [key = '', ...rest] = path;
  const value = object[key];
  return rest.length === 0 ? value : readPath(asObject(value), rest);
}

/** When the access token of a login ends, in milliseconds since 1970; `undefined` if nothing says so. */
export function readExpiry(login: JsonObject, accessToken: string, { expiresAt }: LoginRenewal): number | undefined {
  if (expiresAt !== undefined) return asNumber(readPath(login, expiresAt));
  const [, claims = ''] = accessToken.split('.');
  const seconds = asNumber(parseObject(Buffer.from(claims, 'base64url').toString('utf8'))?.['exp']);
  return seconds === undefined ? undefined : seconds * 1000;
}

/**
 * A login with the tokens of an answer (RFC 6749, 5.1); `undefined` if that has none. The refresh token stays where the answer has no other.
 *
 * @param now milliseconds since 1970
 */
export function withAnswer(
  login: JsonObject,
  accessToken: JsonPath,
  renewal: LoginRenewal,
  answer: JsonObject,
  now: number,
): JsonObject | undefined {
  const token = asString(answer['access_token']);
  if (token === undefined || token === '') return undefined;
  const lifetime = asNumber(answer['expires_in']);
  const kept = Object.entries(renewal.kept ?? {}).map(([name, path]) => [path, asString(answer[name])] as const);
  const changes: readonly (readonly [JsonPath | undefined, JsonValue | undefined])[] = [
    [accessToken, token],
    [renewal.refreshToken, asString(answer['refresh_token'])],
    // Without a lifetime, the old end would have it renewed at each request.
    [renewal.expiresAt, lifetime === undefined ? null : now + lifetime * 1000],
    [renewal.renewedAt, new Date(now).toISOString()],
    ...kept,
  ];
  return changes.reduce(
    (changed, [path, value]) => (path === undefined || value === undefined ? changed : withPath(changed, path, value)),
    login,
  );
}

function withPath(object: JsonObject, path: JsonPath, value: JsonValue): JsonObject {
  const [key = '', ...rest] = path;
  return { ...object, [key]: rest.length === 0 ? value : withPath(asObject(object[key]), rest, value) };
}
