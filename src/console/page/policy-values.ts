/** A policy, as the admin API has it: docs/policies.md says what each field means. */
export type PolicyJson = Readonly<Record<string, unknown>>;

/** Fields with a list of texts, which a form has one per line. */
export const LIST_FIELDS = ['harnesses', 'models', 'thread_key_prefixes'] as const;

/** Fields with a number. */
export const NUMBER_FIELDS = ['concurrent_turns', 'requests_per_minute', 'tokens_per_day', 'usd_per_month'] as const;

/** Fields that are `false` to forbid something. */
export const SWITCH_FIELDS = ['caller_tools', 'caller_system'] as const;

/** The forms of tools that a policy can allow. */
export const TOOL_FORMS = ['mcp', 'server', 'text', 'none'] as const;

/** A field that is written into a text box. */
export type TextField = (typeof LIST_FIELDS)[number] | (typeof NUMBER_FIELDS)[number];

/** What a form shows of a policy. An empty text, and no form of tools, restrict nothing. */
export interface PolicyValues {
  readonly texts: Readonly<Record<TextField, string>>;
  readonly allowed: Readonly<Record<(typeof SWITCH_FIELDS)[number], boolean>>;
  readonly toolForms: readonly string[];
}

/** A policy as a form shows it. */
export function toPolicyValues(policy: PolicyJson): PolicyValues {
  const list = (field: string): readonly string[] => {
    const value = policy[field];
    return Array.isArray(value) ? value.map(String) : [];
  };
  const number = (field: string): string => {
    const value = policy[field];
    return typeof value === 'number' ? String(value) : '';
  };
  return {
    texts: {
      harnesses: list('harnesses').join('\n'),
      models: list('models').join('\n'),
      thread_key_prefixes: list('thread_key_prefixes').join('\n'),
      concurrent_turns: number('concurrent_turns'),
      requests_per_minute: number('requests_per_minute'),
      tokens_per_day: number('tokens_per_day'),
      usd_per_month: number('usd_per_month'),
    },
    allowed: { caller_tools: policy['caller_tools'] !== false, caller_system: policy['caller_system'] !== false },
    toolForms: list('tool_blocks'),
  };
}

/**
 * The policy that a form says. What is no number is sent as it was written, so that the server refuses it: left out, it would lift a limit.
 *
 * @param before the policy that is replaced: fields that this page does not know, of a newer server, stay
 */
export function toPolicy({ texts, allowed, toolForms }: PolicyValues, before: PolicyJson): PolicyJson {
  const known = new Set<string>([...LIST_FIELDS, ...NUMBER_FIELDS, ...SWITCH_FIELDS, 'tool_blocks']);
  const kept = Object.entries(before).filter(([field]) => !known.has(field));
  const lists = LIST_FIELDS.map((field) => [field, texts[field].split(/\s+/).filter((entry) => entry !== '')] as const);
  const numbers = NUMBER_FIELDS.map((field) => [field, texts[field].trim()] as const);
  const forbidden = SWITCH_FIELDS.filter((field) => !allowed[field]);
  return Object.fromEntries<unknown>([
    ...kept,
    ...lists.filter(([, entries]) => entries.length > 0),
    ...(toolForms.length === 0 ? [] : [['tool_blocks', toolForms] as const]),
    ...forbidden.map((field) => [field, false] as const),
    ...numbers.flatMap(([field, text]) => (text === '' ? [] : [[field, toNumber(text)] as const])),
  ]);
}

function toNumber(text: string): number | string {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
