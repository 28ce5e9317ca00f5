import { readFile } from 'node:fs/promises';
import { isRuleFor, type NetworkTarget } from '../../../domain/host-rule.ts';
import type { CredentialForm, CredentialSecret, ToolCredential } from '../../../domain/tool-credential.ts';

/** What a request asks of a host. */
export interface ToolRequest {
  readonly method: string;
  /** Path and query, as the client sent them. */
  readonly path: string;
}

/** The first credential for a request; `undefined` for none. */
export function findCredential(
  credentials: readonly ToolCredential[],
  target: NetworkTarget,
  { method, path }: ToolRequest,
): ToolCredential | undefined {
  return credentials.find(
    ({ host, methods, paths }) =>
      isRuleFor(host, target) && (methods.length === 0 || methods.includes(method)) && isBelow(path, paths),
  );
}

/**
 * The header that carries a credential.
 *
 * @throws if its file cannot be read or has not one line.
 */
export async function readCredentialHeader(form: CredentialForm): Promise<Readonly<Record<string, string>>> {
  const secret = await readSecretValue(form.secret);
  switch (form.kind) {
    case 'bearer':
      return { authorization: `Bearer ${secret}` };
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${form.user}:${secret}`).toString('base64')}` };
    case 'header':
      return { [form.name]: secret };
    default:
      return form satisfies never;
  }
}

async function readSecretValue(secret: CredentialSecret): Promise<string> {
  if (secret.kind === 'value') return secret.value;
  const text = (await readFile(secret.path, 'utf8')).trim();
  if (!/^[\x20-\x7e]+$/.test(text)) throw new Error('a file with a credential must have one line');
  return text;
}

/** Whether a path is, or lies below, one of the beginnings. One that a server may read as another path lies below none. */
function isBelow(path: string, beginnings: readonly string[]): boolean {
  if (beginnings.length === 0) return true;
  const [plain = ''] = path.split('?');
  return (
    !hasDotSegment(plain) &&
    beginnings.some((beginning) => plain === beginning || plain.startsWith(beginning.replace(/\/?$/, '/')))
  );
}

/** Whether a server could move up from a path: `..`, encoded once or twice, behind a backslash, or with parameters as in `..;`. */
function hasDotSegment(path: string): boolean {
  let decoded = path;
  for (const [encoded, plain] of [
    [/%25/g, '%'],
    [/%2e/gi, '.'],
    [/%2f/gi, '/'],
    [/%5c/gi, '\\'],
    [/%3b/gi, ';'],
  ] as const) {
    decoded = decoded.replaceAll(encoded, plain);
  }
  return decoded.split(/[/\\]/).some((segment) => /^\.{1,2}(?:;.*)?$/.test(segment));
}
