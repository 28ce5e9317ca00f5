import { useState } from 'preact/hooks';
import {
  type PolicyJson,
  type PolicyValues,
  SWITCH_FIELDS,
  type TextField,
  toPolicy,
  toPolicyValues,
  TOOL_FORMS,
} from '../policy-values.js';
import { Problem, toProblem } from './problem.js';

const LISTS = [
  ['harnesses', 'Harnesses', 'One per line, such as claude-code.'],
  ['models', 'Models', 'One per line; * stands for any text, as in claude-*.'],
  ['thread_key_prefixes', 'Beginnings of thread keys', 'One per line, such as ci: for threads that requests may name.'],
] as const;

const NUMBERS = [
  ['concurrent_turns', 'Turns at the same time'],
  ['requests_per_minute', 'Requests per minute'],
  ['tokens_per_day', 'Tokens per day (UTC)'],
  ['usd_per_month', 'US dollars per month (UTC)'],
] as const;

const SWITCHES = {
  caller_tools: 'Requests may give the agent tools of the caller',
  caller_system: 'Requests may have a system prompt for the agent',
} as const;

/** What is to be seen after the last attempt to save. */
type Outcome = { readonly kind: 'saved' } | { readonly kind: 'refused'; readonly text: string } | undefined;

/** A form for a policy. @param onSave rejects with what is wrong */
export function PolicyForm({
  policy,
  onSave,
}: {
  readonly policy: PolicyJson;
  readonly onSave: (policy: PolicyJson) => Promise<void>;
}) {
  const [values, setValues] = useState<PolicyValues>(() => toPolicyValues(policy));
  const [outcome, setOutcome] = useState<Outcome>();
  const change = (changed: Partial<PolicyValues>): void => {
    setValues({ ...values, ...changed });
    setOutcome(undefined);
  };
  const setText = (field: TextField, text: string): void => change({ texts: { ...values.texts, [field]: text } });
  const save = async (): Promise<void> => {
    try {
      await onSave(toPolicy(values, policy));
      setOutcome({ kind: 'saved' });
    } catch (error) {
      setOutcome({ kind: 'refused', text: toProblem(error) });
    }
  };
  return (
    <form
      class="policy"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <fieldset>
        <legend>What requests may do</legend>
        {LISTS.map(([field, label, hint]) => (
          <div class="field" key={field}>
            <label for={field}>{label}</label>
            <textarea
              id={field}
              rows={2}
              aria-describedby={`${field}-hint`}
              value={values.texts[field]}
              onInput={({ currentTarget }) => setText(field, currentTarget.value)}
            />
            <p class="hint" id={`${field}-hint`}>
              {hint}
            </p>
          </div>
        ))}
        {SWITCH_FIELDS.map((field) => (
          <Check
            key={field}
            label={SWITCHES[field]}
            isChecked={values.allowed[field]}
            onChange={(isChecked) => change({ allowed: { ...values.allowed, [field]: isChecked } })}
          />
        ))}
      </fieldset>
      <fieldset aria-describedby="tool-forms-hint">
        <legend>Forms in which tools may be shown</legend>
        <p class="hint" id="tool-forms-hint">
          With none of them chosen, all are allowed.
        </p>
        {TOOL_FORMS.map((form) => (
          <Check
            key={form}
            label={form}
            isChecked={values.toolForms.includes(form)}
            onChange={(isChecked) => change({ toolForms: toggle(values.toolForms, form, isChecked) })}
          />
        ))}
      </fieldset>
      <fieldset>
        <legend>How much</legend>
        {NUMBERS.map(([field, label]) => (
          <div class="field" key={field}>
            <label for={field}>{label}</label>
            {/* Not of the type "number", which gives the page an empty text for what is no number. */}
            <input
              id={field}
              inputMode="decimal"
              autocomplete="off"
              value={values.texts[field]}
              onInput={({ currentTarget }) => setText(field, currentTarget.value)}
            />
          </div>
        ))}
      </fieldset>
      <button type="submit">Save policy</button>
      <Problem text={outcome?.kind === 'refused' ? outcome.text : undefined} />
      <div role="status">{outcome?.kind === 'saved' && <p>Saved.</p>}</div>
    </form>
  );
}

function Check({
  label,
  isChecked,
  onChange,
}: {
  readonly label: string;
  readonly isChecked: boolean;
  readonly onChange: (isChecked: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={isChecked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />{' '}
      {label}
    </label>
  );
}

function toggle(entries: readonly string[], entry: string, isChosen: boolean): readonly string[] {
  const others = entries.filter((other) => other !== entry);
  return isChosen ? [...others, entry] : others;
}
