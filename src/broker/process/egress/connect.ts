import { once } from 'node:events';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';

/** A host could not be reached. The text is for the client: no address, and no path. */
export class UnreachableError extends Error {
  readonly status: 502 | 504;

  constructor(
    status: 502 | 504,
    target: NetworkTarget,
    why = status === 504 ? 'did not answer in time' : 'could not be reached',
  ) {
    super(`${toHostText(target)} ${why}`);
    this.name = 'UnreachableError';
    this.status = status;
  }
}

/** How long a connection may take to be made. */
export const CONNECT_MS = 20_000;
/** How long a connection may carry nothing, in either direction. */
export const IDLE_MS = 600_000;
/** Node's own 250 ms would give up on addresses that are merely far away. */
const ATTEMPT_MS = 2000;

/** Options of `net.connect`, and of the agents of `http` and `https`, that lead to checked addresses and never ask for the name again. */
export function pinnedTo(addresses: readonly string[]): {
  readonly lookup: LookupFunction;
  readonly autoSelectFamily: true;
  readonly autoSelectFamilyAttemptTimeout: number;
} {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return {
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    lookup: (_name, options, callback) => {
      const [first] = found;
      if (first === undefined) callback(new Error('no address'), '');
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    },
  };
}

/**
 * Connects to the first of the checked addresses that answers.
 *
 * @throws UnreachableError
 */
export async function connectTo(target: NetworkTarget, addresses: readonly string[]): Promise<Socket> {
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true, ...pinnedTo(addresses) });
  const timer = setTimeout(() => socket.destroy(new UnreachableError(504, target)), CONNECT_MS);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    throw toUnreachable(error, target);
  } finally {
    clearTimeout(timer);
  }
}

/** What a client learns of an error of a connection: neither addresses nor the system's words. */
export function toUnreachable(error: unknown, target: NetworkTarget): UnreachableError {
  if (error instanceof UnreachableError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ETIMEDOUT') return new UnreachableError(504, target);
  // Codes of OpenSSL, such as SELF_SIGNED_CERT_IN_CHAIN, and of Node, such as ERR_TLS_CERT_ALTNAME_INVALID.
  if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    return new UnreachableError(502, target, 'has no certificate for this name that the server trusts');
  }
  return new UnreachableError(502, target);
}
