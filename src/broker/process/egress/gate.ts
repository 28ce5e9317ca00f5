import { lookup } from 'node:dns/promises';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import { decideTarget, type EgressPolicy, findAddressProblem } from './policy.ts';

/** Resolves a name to all of its addresses; rejects if it has none. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** A target that may be used, with the addresses that were checked; or the answer for the client. */
export type Admission =
  | { readonly kind: 'admitted'; readonly addresses: readonly string[]; readonly isWebOnly: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  | Unresolved;

/** A name without an address. */
interface Unresolved {
  readonly kind: 'unresolved';
  readonly status: 502 | 504;
  readonly reason: string;
}

const RESOLVE_MS = 15_000;

/** Decides whether a thread may connect to a target, and to which addresses: those that it checked, so that no second answer of a name server counts. */
export class Gate {
  /** The end of the last look-up of each thread. The system's resolver has few workers; a thread with slow names waits for itself alone. */
  private readonly lookups = new Map<string, Promise<unknown>>();

  private readonly policy: EgressPolicy;
  private readonly resolve: ResolveName;

  constructor(policy: EgressPolicy, resolve: ResolveName = resolveName) {
    this.policy = policy;
    this.resolve = resolve;
  }

  /** Never rejects. */
  async admit(threadId: string, target: NetworkTarget): Promise<Admission> {
    const decision = decideTarget(this.policy, target);
    if (decision.kind === 'refused') return decision;
    const addresses = await this.findAddresses(threadId, target);
    if ('kind' in addresses) return addresses;
    const reason = findAddressProblem(target, decision.ranges, addresses);
    return reason === undefined
      ? { kind: 'admitted', addresses, isWebOnly: decision.isWebOnly }
      : { kind: 'refused', reason };
  }

  private async findAddresses(threadId: string, target: NetworkTarget): Promise<readonly string[] | Unresolved> {
    if (target.kind === 'address') return [target.host];
    const reason = `Chiron cannot resolve the name of ${toHostText(target)}`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Unresolved>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'unresolved', status: 504, reason }), RESOLVE_MS);
    });
    try {
      return await Promise.race([this.enqueue(threadId, () => this.resolve(target.host)), late]);
    } catch {
      // The system's reason would say no more than this.
      return { kind: 'unresolved', status: 502, reason };
    } finally {
      clearTimeout(timer);
    }
  }

  private async enqueue<Value>(threadId: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.lookups.get(threadId) ?? Promise.resolve();
    const result = before.then(work);
    // The next look-up starts after this one, whatever comes of it; its own caller hears of a failure.
    const end = result.catch(() => undefined);
    this.lookups.set(threadId, end);
    try {
      return await result;
    } finally {
      if (this.lookups.get(threadId) === end) this.lookups.delete(threadId);
    }
  }
}

async function resolveName(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
}
