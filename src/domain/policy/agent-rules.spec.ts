import { describe, expect, it } from 'vitest';
import { readStoredRules, toStoredRules } from './agent-rules.js';
import type { AppliedPolicies, Policy } from './policy.js';

const applied = (key: Policy, tenant: Policy): AppliedPolicies => [
  { subject: { kind: 'key', keyId: 'key_1' }, policy: key },
  { subject: { kind: 'tenant', tenant: 'acme' }, policy: tenant },
];

describe('What policies decide about the agent of a turn', () => {
  it('is stored only if there is something', () => {
    expect(toStoredRules([])).toBeUndefined();
    expect(toStoredRules(applied({ concurrent_turns: 1 }, {}))).toBeUndefined();
    expect(readStoredRules(undefined)).toEqual({ workspaceTemplate: undefined, hostLimits: [] });
  });

  it('is the template of the key before that of the tenant', () => {
    const templateOf = (key: Policy, tenant: Policy) =>
      readStoredRules(toStoredRules(applied(key, tenant))).workspaceTemplate;
    expect(templateOf({ workspace_template: 'k' }, { workspace_template: 't' })).toBe('k');
    expect(templateOf({}, { workspace_template: 't' })).toBe('t');
  });

  it('is what each of the two allows the agent to reach, an empty list included', () => {
    const rules = toStoredRules(applied({ sandbox_hosts: [] }, { sandbox_hosts: ['*.Example.com:8443', 'a.example'] }));
    expect(readStoredRules(JSON.parse(JSON.stringify(rules)))).toEqual({
      workspaceTemplate: undefined,
      hostLimits: [
        { source: 'this key', allowedHosts: [] },
        {
          source: 'this tenant',
          allowedHosts: [
            { kind: 'subdomains', host: 'example.com', ports: [8443] },
            { kind: 'name', host: 'a.example', ports: 'web' },
          ],
        },
      ],
    });
  });

  it('allows nothing by a host that cannot be read', () => {
    const stored = { hostLimits: [{ source: 'this tenant', hosts: ['not a host'] }] };
    expect(readStoredRules(stored).hostLimits).toEqual([{ source: 'this tenant', allowedHosts: [] }]);
  });
});
