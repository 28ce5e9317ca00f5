import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { PolicyTarget } from '../location.js';
import { toHash } from '../location.js';
import { PolicyForm } from '../parts/policy-form.js';
import { Problem, toProblem } from '../parts/problem.js';
import type { PolicyJson } from '../policy-values.js';

/** What a tenant or a key may do, and how much, for admin keys. */
export function PolicyView({ api, subject }: { readonly api: Api; readonly subject: PolicyTarget }) {
  const [policy, setPolicy] = useState<PolicyJson>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    api.readPolicy(subject).then(setPolicy, (error: unknown) => setProblem(toProblem(error)));
  }, [api]);
  return (
    <>
      <h1>
        Policy of the {subject.of} {subject.id}
      </h1>
      <p class="hint">
        {subject.of === 'key' && 'A request has to satisfy the policy of its tenant, too. '}
        An empty field restricts nothing. A change holds from the next request on.{' '}
        <a href={toHash({ name: 'keys' })}>All tenants and keys</a>
      </p>
      <Problem text={problem} />
      {policy !== undefined && (
        <PolicyForm policy={policy} onSave={async (changed) => setPolicy(await api.replacePolicy(subject, changed))} />
      )}
    </>
  );
}
