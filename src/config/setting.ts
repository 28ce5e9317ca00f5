// Builders for the rows of the table in settings.ts.
import { resolve } from 'node:path';

/** Environment variables, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The sections of `docs/configuration.md` with a table of settings, in order. */
export const GROUPS = [
  'Listening and access',
  'Storage',
  'Several servers',
  'Agents',
  'What a caller sees',
  'What an agent sees',
  'Isolation',
  'Limits',
] as const;

/** The documentation of a setting. */
export interface SettingDocs {
  readonly group: (typeof GROUPS)[number];
  /** Its effect, in Markdown. */
  readonly doc: string;
  /** Replaces the default value in the documentation, where the value itself would not help. */
  readonly defaultDoc?: string;
  /** A value for `.env.example`, for a setting without a default. */
  readonly example?: string;
}

/** The value of a variable, or the requirement that it violates. */
export type Parsed<Value> = { readonly value: Value } | { readonly expected: string };

/** One environment variable that Chiron reads. */
export interface Setting<Value> extends SettingDocs {
  readonly variable: string;
  /** The text that replaces an unset variable; `undefined` for none. */
  readonly fallback: string | undefined;
  /** All values, for a setting with a fixed list of them. */
  readonly choices?: readonly string[];
  /** Whether an empty variable is a value; otherwise it counts as unset. */
  readonly allowsEmpty?: boolean;
  /** Whether the value can be given in a file that the variable `<variable>_FILE` names. */
  readonly isSecret?: boolean;
  /** Must not put the text into `expected`, because it may be a secret. */
  parse(text: string | undefined, variables: Variables): Parsed<Value>;
}

/** A setting with its own parser. */
export function custom<Value>(
  variable: string,
  fallback: string | undefined,
  parse: Setting<Value>['parse'],
  docs: SettingDocs & Pick<Setting<Value>, 'allowsEmpty' | 'isSecret'>,
): Setting<Value> {
  return { variable, fallback, parse, ...docs };
}

/** Any text. */
export function text<Fallback extends string | undefined>(
  variable: string,
  fallback: Fallback,
  docs: SettingDocs,
): Setting<string | Fallback> {
  return custom(variable, fallback, (raw) => ({ value: raw ?? fallback }), docs);
}

/** The path of a file or folder, resolved to an absolute one. */
export function path<Fallback extends string | undefined>(
  variable: string,
  fallback: Fallback,
  docs: SettingDocs,
): Setting<string | Fallback> {
  const parse = (raw: string | undefined): Parsed<string | Fallback> => ({
    value: raw === undefined ? fallback : resolve(raw),
  });
  return custom(variable, fallback, parse, docs);
}

/** One of a fixed list of words. */
export function oneOf<const Choice extends string>(
  variable: string,
  fallback: NoInfer<Choice>,
  choices: readonly Choice[],
  docs: SettingDocs,
): Setting<Choice> {
  const parse = (raw: string | undefined): Parsed<Choice> => {
    const value = choices.find((choice) => choice === raw);
    return value === undefined ? { expected: `must be one of the following values: ${choices.join(', ')}` } : { value };
  };
  return { ...custom(variable, fallback, parse, docs), choices };
}

/** A count. */
export const count = wholeNumber(1);
/** A duration given in milliseconds. */
export const milliseconds = wholeNumber(1);
/** A duration given in seconds, converted to milliseconds. */
export const seconds = wholeNumber(1000);
/** A size given in megabytes, converted to bytes. */
export const megabytes = wholeNumber(1_000_000);
/** A size given in gigabytes, converted to bytes. */
export const gigabytes = wholeNumber(1_000_000_000);
/** A duration given in days, converted to milliseconds. */
export const days = wholeNumber(86_400_000);
/** A duration given in hours, converted to milliseconds. */
export const hours = wholeNumber(3_600_000);

/** Builds settings for integers from `min` (default 1) to `max`, multiplied by `unit`. */
function wholeNumber(unit: number) {
  return (
    variable: string,
    fallback: number,
    { min = 1, max, ...docs }: SettingDocs & { readonly min?: number; readonly max: number },
  ): Setting<number> => {
    const tooLarge = `must not be greater than ${max}`;
    const tooSmall = `must not be less than ${min}`;
    const parse = (raw: string | undefined): Parsed<number> => {
      // Digits only: `Number('')` is 0, and `Number('1e3')` is 1000.
      if (!/^\d+$/.test(raw ?? '')) return { expected: `${tooLarge}; ${tooSmall}; must be an integer number` };
      const value = Number(raw);
      if (value > max) return { expected: tooLarge };
      return value < min ? { expected: tooSmall } : { value: value * unit };
    };
    return custom(variable, String(fallback), parse, docs);
  };
}
