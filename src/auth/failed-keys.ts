import { isIPv6 } from 'node:net';

/** How many wrong keys an address may send before it has to wait; allows for a deployment's own mistakes. */
const FREE_FAILURES = 30;
/** An address is forgotten after this long without a failure. */
const WINDOW_MS = 60_000;
/** Longest wait imposed on an address. */
const MAX_WAIT_SECONDS = 60;
/** How many addresses are tracked; beyond that, the least recent failure is evicted. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/**
 * Counts requests with a wrong key by address. Rate-limiting libraries are no option: they keep a timer per address and do not
 * bound the number of addresses.
 */
export class FailedKeys {
  /** Ordered by last failure. */
  readonly #byAddress = new Map<string, Failures>();

  /** How many addresses are tracked. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /**
   * Records a failure.
   *
   * @param nowMs milliseconds since any fixed time.
   * @returns for how many seconds the address must wait, longer each time; `undefined` until it has failed often.
   */
  record(address: string, nowMs: number): number | undefined {
    const key = toNetwork(address);
    const previous = this.#byAddress.get(key);
    const count = previous === undefined || nowMs - previous.lastMs > WINDOW_MS ? 1 : previous.count + 1;
    this.#byAddress.delete(key);
    this.#byAddress.set(key, { count, lastMs: nowMs });
    if (this.#byAddress.size > MAX_ADDRESSES) {
      const [oldest] = this.#byAddress.keys();
      if (oldest !== undefined) this.#byAddress.delete(oldest);
    }
    return count <= FREE_FAILURES ? undefined : Math.min(MAX_WAIT_SECONDS, 2 ** (count - FREE_FAILURES - 1));
  }
}

/** An IPv4 address, or the /64 network of an IPv6 one: a host usually controls all addresses of its /64. */
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
