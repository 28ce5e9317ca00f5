import type { JsonObject, JsonValue } from '../harness-event.js';
import { type HostRule, parseHostRule } from '../host-rule.js';
import { asObject, asObjects, asString, asStrings } from '../json.js';
import { type AppliedPolicies, describeSubject } from './policy.js';

/** What policies decide about the agent of a turn. Stored with the turn, so that it holds on whatever server runs it, and whenever. */
export interface AgentRules {
  /** The folder of `CHIRON_WORKSPACE_TEMPLATES` from which a workspace is made; `undefined` for the deployment's own template. */
  readonly workspaceTemplate: string | undefined;
  /** The agent reaches only hosts that each of these allows, besides what the deployment allows; empty for no further limits. */
  readonly hostLimits: readonly HostLimit[];
}

/** The hosts that one policy allows; none if the list is empty. */
export interface HostLimit {
  /** Whose policy it is, for people: `this tenant`. */
  readonly source: string;
  readonly allowedHosts: readonly HostRule[];
}

/** What the policies of a turn's caller decide about its agent, in the form in which the turn stores it; `undefined` for nothing. */
export function toStoredRules(policies: AppliedPolicies): JsonObject | undefined {
  const template = policies.map(({ policy }) => policy.workspace_template).find((name) => name !== undefined);
  const limits = policies.flatMap(({ subject, policy }): readonly JsonObject[] =>
    policy.sandbox_hosts === undefined ? [] : [{ source: describeSubject(subject), hosts: policy.sandbox_hosts }],
  );
  if (template === undefined && limits.length === 0) return undefined;
  return {
    ...(template === undefined ? {} : { workspaceTemplate: template }),
    ...(limits.length === 0 ? {} : { hostLimits: limits }),
  };
}

/** Reads what {@link toStoredRules} has stored; no rules for a turn that has none. */
export function readStoredRules(stored: JsonValue | undefined): AgentRules {
  const { workspaceTemplate, hostLimits } = asObject(stored);
  return {
    workspaceTemplate: asString(workspaceTemplate),
    hostLimits: asObjects(hostLimits).map(({ source, hosts }) => ({
      source: asString(source) ?? '',
      // A host that this version cannot read allows nothing.
      allowedHosts: asStrings(hosts).flatMap((host) => parseHostRule(host, 'web') ?? []),
    })),
  };
}
