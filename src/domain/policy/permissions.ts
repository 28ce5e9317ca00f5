import { matchesModelPattern } from '../model-pattern.js';
import { quoteForCaller, ServiceError } from '../service-error.js';
import type { ToolBlockForm } from '../tool-block-form.js';
import { type AppliedPolicies, describeSubject, type Policy } from './policy.js';

/** What a request would do, as far as it is known. */
export interface AskedWork {
  readonly harness?: string | undefined;
  /** See {@link modelOf}. */
  readonly model?: string | undefined;
  readonly toolBlocks?: ToolBlockForm | undefined;
  readonly hasCallerTools?: boolean | undefined;
  readonly hasCallerSystem?: boolean | undefined;
  /** The key of a thread that is named, or found by the conversation; absent for a new thread without a name. */
  readonly threadKey?: string | undefined;
}

/** The name by which policies know the model of an agent: the harness's where it runs its own default model. */
export function modelOf(harness: string, model: string | undefined): string {
  return model ?? harness;
}

/** @throws ServiceError (`forbidden`) when a policy does not allow all of the work. */
export function assertPermitted(policies: AppliedPolicies, work: AskedWork): void {
  for (const { subject, policy } of policies) {
    const problem = findForbidden(policy, work);
    if (problem !== undefined)
      throw new ServiceError('forbidden', `The policy of ${describeSubject(subject)} does not allow ${problem}`);
  }
}

/** What of the work a policy does not allow, and what it allows; `undefined` if it allows all. */
export function findForbidden(policy: Policy, work: AskedWork): string | undefined {
  const { harness, model, toolBlocks, threadKey } = work;
  if (isOutside(policy.harnesses, harness, (allowed, name) => allowed === name))
    return `the harness ${harness}: it allows ${policy.harnesses?.join(', ')}.`;
  if (isOutside(policy.models, model, matchesModelPattern))
    return `the model ${quoteForCaller(model ?? '')}: it allows ${policy.models?.join(', ')}.`;
  if (isOutside(policy.tool_blocks, toolBlocks, (allowed, form) => allowed === form))
    return `tools as ${toolBlocks}: it allows x-chiron-tool-blocks ${policy.tool_blocks?.join(', ')}.`;
  if (isOutside(policy.thread_key_prefixes, threadKey, (prefix, key) => key.startsWith(prefix)))
    return `the thread ${quoteForCaller(threadKey ?? '')}: keys of threads begin with ${policy.thread_key_prefixes?.join(', ')}.`;
  if (policy.caller_tools === false && work.hasCallerTools === true) return 'tools of the caller.';
  if (policy.caller_system === false && work.hasCallerSystem === true) return 'a system prompt of the caller.';
  return undefined;
}

function isOutside<Value extends string>(
  allowed: readonly Value[] | undefined,
  asked: Value | undefined,
  covers: (allowed: Value, asked: Value) => boolean,
): boolean {
  return allowed !== undefined && asked !== undefined && !allowed.some((one) => covers(one, asked));
}
