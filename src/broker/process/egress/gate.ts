import { lookup } from 'node:dns/promises';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import type { HostLimit } from '../../../domain/policy/agent-rules.ts';
import { findOuterProxy, type ProxyVariables } from './outer-proxy.ts';
import { decideTarget, type EgressPolicy, findAddressProblem } from './policy.ts';

/** Resolves a name to all of its addresses; rejects if it has none. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** A target that may be used, or the answer for the client. */
export type Admission =
  | {
      readonly kind: 'admitted';
      /** Those that were checked; may be empty where there is a proxy. */
      readonly addresses: readonly string[];
      /** The deployment's own proxy, which leads to the target. */
      readonly proxy: URL | undefined;
      readonly isWebOnly: boolean;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | Unresolved;

/** A name without an address. */
interface Unresolved {
  readonly kind: 'unresolved';
  readonly status: 502 | 504;
  readonly reason: string;
}

const RESOLVE_MS = 15_000;
/** The same for a host that is reached by a proxy, which resolves the name itself: many networks with one have no name server for other names. */
const PROXIED_RESOLVE_MS = 2000;
/** How long such a name is taken for one that cannot be resolved, and how many of them are remembered. */
const UNRESOLVED_MS = 60_000;
const MAX_UNRESOLVED = 1000;

/** Decides whether a thread may connect to a target, and to which addresses: those that it checked, so that no second answer of a name server counts. */
export class Gate {
  /** The end of the last look-up of each thread. The system's resolver has few workers; a thread with slow names waits for itself alone. */
  private readonly lookups = new Map<string, Promise<unknown>>();

  /** Names that only a proxy knows, with the time until which that is taken for granted. */
  private readonly unresolved = new Map<string, number>();
  private readonly policy: EgressPolicy;
  private readonly proxies: ProxyVariables;
  private readonly resolve: ResolveName;

  constructor(policy: EgressPolicy, proxies: ProxyVariables = {}, resolve: ResolveName = resolveName) {
    this.policy = policy;
    this.proxies = proxies;
    this.resolve = resolve;
  }

  /**
   * Never rejects.
   *
   * @param scheme `https` for a tunnel, `http` for a request in absolute form
   * @param limits what holds for the thread besides the deployment's policy
   */
  async admit(
    threadId: string,
    target: NetworkTarget,
    scheme: 'http' | 'https',
    limits: readonly HostLimit[] = [],
  ): Promise<Admission> {
    const decision = decideTarget(this.policy, target, limits);
    if (decision.kind === 'refused') return decision;
    const { ranges, isWebOnly } = decision;
    const proxy = findOuterProxy(this.proxies, scheme, target);
    const addresses =
      proxy === undefined
        ? await this.findAddresses(threadId, target, RESOLVE_MS)
        : await this.findIfKnown(threadId, target, ranges.includes('special'));
    if ('kind' in addresses) return addresses;
    const reason = findAddressProblem(target, ranges, addresses);
    return reason === undefined ? { kind: 'admitted', addresses, proxy, isWebOnly } : { kind: 'refused', reason };
  }

  /**
   * The addresses of a host that is reached by a proxy, as far as this machine knows them: no private one is to be reached by a detour. None for a host that
   * may have any.
   */
  private async findIfKnown(threadId: string, target: NetworkTarget, mayBeAny: boolean): Promise<readonly string[]> {
    if (target.kind === 'address') return [target.host];
    if (mayBeAny || (this.unresolved.get(target.host) ?? 0) > Date.now()) return [];
    const addresses = await this.findAddresses(threadId, target, PROXIED_RESOLVE_MS);
    if (!('kind' in addresses)) return addresses;
    if (this.unresolved.size >= MAX_UNRESOLVED) this.unresolved.clear();
    this.unresolved.set(target.host, Date.now() + UNRESOLVED_MS);
    return [];
  }

  private async findAddresses(
    threadId: string,
    target: NetworkTarget,
    limitMs: number,
  ): Promise<readonly string[] | Unresolved> {
    if (target.kind === 'address') return [target.host];
    const reason = `Chiron cannot resolve the name of ${toHostText(target)}`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Unresolved>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'unresolved', status: 504, reason }), limitMs);
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
