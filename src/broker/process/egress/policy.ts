import { type HostRule, isRuleFor, type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import type { HostLimit } from '../../../domain/policy/agent-rules.ts';
import type { NetworkPolicy } from '../../../domain/tool-credential.ts';
import { type AddressRange, classifyAddress } from './address-ranges.ts';

/** The deployment's network policy for agents. */
export interface EgressPolicy {
  readonly network: NetworkPolicy;
  readonly allowedHosts: readonly HostRule[];
}

/**
 * What the policy says about a target before its name is resolved: the ranges in which its addresses may lie, and whether a tunnel to it must
 * carry TLS for this very name; or why it is refused.
 */
export type TargetDecision =
  | { readonly kind: 'allowed'; readonly ranges: readonly AddressRange[]; readonly isWebOnly: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

const ANY_RANGE: readonly AddressRange[] = ['public', 'private', 'special'];
const SETTING = 'CHIRON_SANDBOX_ALLOWED_HOSTS';

/**
 * Decides about a target by its name. Only a rule with the exact name or address opens this machine and its link; `*.corp` opens private
 * networks, but whoever can add a name below a domain must not thereby reach a metadata service.
 *
 * @param limits further ones, of which each has to allow it
 */
export function decideTarget(
  policy: EgressPolicy,
  target: NetworkTarget,
  limits: readonly HostLimit[] = [],
): TargetDecision {
  const decision = decideByPolicy(policy, target);
  const limited = limits.map((limit) => decideByLimit(limit, target));
  return [decision, ...limited].reduce((one, other) => {
    if (one.kind === 'refused' || other.kind === 'refused') return one.kind === 'refused' ? one : other;
    return { ...one, isWebOnly: one.isWebOnly || other.isWebOnly };
  });
}

function decideByPolicy({ network, allowedHosts }: EgressPolicy, target: NetworkTarget): TargetDecision {
  if (network === 'none') return refuse(target, 'agents have no network (CHIRON_SANDBOX_NETWORK=none)');
  const rules = allowedHosts.filter((rule) => isRuleFor(rule, target));
  if (rules.length === 0 && network === 'allowlist') return refuse(target, `it is not in ${SETTING}`);
  const isExact = rules.some(({ kind }) => kind !== 'subdomains');
  return {
    kind: 'allowed',
    ranges: isExact ? ANY_RANGE : rules.length > 0 ? ['public', 'private'] : ['public'],
    isWebOnly: network === 'allowlist' && rules.every(({ ports }) => ports === 'web'),
  };
}

/** A limit names hosts alone: in which ranges their addresses may lie is the deployment's to say. */
function decideByLimit({ source, allowedHosts }: HostLimit, target: NetworkTarget): TargetDecision {
  const rules = allowedHosts.filter((rule) => isRuleFor(rule, target));
  if (rules.length === 0) return refuse(target, `the policy of ${source} does not allow it`);
  return { kind: 'allowed', ranges: ANY_RANGE, isWebOnly: rules.every(({ ports }) => ports === 'web') };
}

/**
 * Checks the addresses of a target. One that lies outside of the ranges refuses the whole target: a name with a public and a private address is
 * an attack, or a mistake.
 *
 * @returns why it is refused, or `undefined`.
 */
export function findAddressProblem(
  target: NetworkTarget,
  ranges: readonly AddressRange[],
  addresses: readonly string[],
): string | undefined {
  const range = addresses.map(classifyAddress).find((each) => !ranges.includes(each));
  if (range === undefined) return undefined;
  const described = range === 'private' ? 'in a private network' : 'a loopback, link-local or reserved one';
  const listing = ranges.includes('private') ? `${SETTING} does not list the exact name` : `it is not in ${SETTING}`;
  return refuse(target, `its address is ${described} and ${listing}`).reason;
}

function refuse(target: NetworkTarget, why: string): { readonly kind: 'refused'; readonly reason: string } {
  return { kind: 'refused', reason: `Chiron refuses ${toHostText(target)}: ${why}` };
}
