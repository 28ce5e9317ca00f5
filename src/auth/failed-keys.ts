import { isIPv6 } from 'node:net';

/** How many wrong keys an address may send before it has to wait: a deployment's own mistakes. */
const FREE_FAILURES = 30;
/** After so long without a failure an address is forgotten, in milliseconds. */
const WINDOW_MS = 60_000;
/** Longest wait that is asked for, in seconds. */
const MAX_WAIT_SECONDS = 60;
/** How many addresses are remembered; of more, those that failed longest ago are forgotten. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  readonly count: number;
  readonly last: number;
}

/**
 * Counts requests with a wrong key by address. Not a library: those that limit rates keep a timer for each address, and any
 * number of addresses.
 */
export class FailedKeys {
  /** In the order of their last failure. */
  readonly #byAddress = new Map<string, Failures>();

  /** How many addresses are remembered. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /**
   * Notes a failure.
   *
   * @param now milliseconds since any time.
   * @returns for how many seconds the address is to wait, longer each time; `undefined` as long as it has not failed often.
   */
  note(address: string, now: number): number | undefined {
    const key = toNetwork(address);
    const known = this.#byAddress.get(key);
    const count = known === undefined || now - known.last > WINDOW_MS ? 1 : known.count + 1;
    this.#byAddress.delete(key);
    this.#byAddress.set(key, { count, last: now });
    if (this.#byAddress.size > MAX_ADDRESSES) {
      const [oldest] = this.#byAddress.keys();
      if (oldest !== undefined) this.#byAddress.delete(oldest);
    }
    return count <= FREE_FAILURES ? undefined : Math.min(MAX_WAIT_SECONDS, 2 ** (count - FREE_FAILURES - 1));
  }
}

/** An IPv4 address, or the /64 network of an IPv6 one: whoever has one address of it has all of them. */
function toNetwork(address: string): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  if (tail !== undefined) {
    const rest = tail.split(':').filter((group) => group !== '');
    groups.push(...Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0'), ...rest);
  }
  return groups.slice(0, 4).join(':');
}
