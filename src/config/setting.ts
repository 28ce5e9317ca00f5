// What a row of the table in settings.ts is made with.
import { resolve } from 'node:path';

/** An environment as Node gives it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The sections of `docs/configuration.md` that have a table of settings, in their order. */
export const GROUPS = [
  'Listening and access',
  'Storage',
  'Agents',
  'What a caller sees',
  'What an agent sees',
  'Limits',
] as const;

/** What the documentation says of a setting. */
export interface SettingDocs {
  readonly group: (typeof GROUPS)[number];
  /** What it does, in Markdown. */
  readonly doc: string;
  /** What the documentation shows as the default, where the default itself would not help. */
  readonly defaultDoc?: string;
  /** A value for `.env.example`, for a setting without a default. */
  readonly example?: string;
}

/** The value of a variable, or what the variable must be. */
export type Parsed<Value> = { readonly value: Value } | { readonly expected: string };

/** One environment variable that Chiron reads. */
export interface Setting<Value> extends SettingDocs {
  readonly variable: string;
  /** What an unset variable counts as; `undefined` when nothing stands in for it. */
  readonly fallback: string | undefined;
  /** The values that it can have, for a setting with a fixed list of them. */
  readonly choices?: readonly string[];
  /** Whether an empty variable is a value, rather than one that is not set. */
  readonly takesEmpty?: boolean;
  /** Must not put the text into `expected`: it may be a secret. */
  parse(text: string | undefined, variables: Variables): Parsed<Value>;
}

/** A setting with a form of its own. */
export function custom<Value>(
  variable: string,
  fallback: string | undefined,
  parse: Setting<Value>['parse'],
  docs: SettingDocs & { readonly takesEmpty?: boolean },
): Setting<Value> {
  return { variable, fallback, parse, ...docs };
}

/** Any text. */
export function text<Fallback extends string | undefined>(
  variable: string,
  fallback: Fallback,
  docs: SettingDocs,
): Setting<string | Fallback> {
  return custom(variable, fallback, (written) => ({ value: written ?? fallback }), docs);
}

/** The path of a file or folder, made absolute. */
export function path<Fallback extends string | undefined>(
  variable: string,
  fallback: Fallback,
  docs: SettingDocs,
): Setting<string | Fallback> {
  const parse = (written: string | undefined): Parsed<string | Fallback> => ({
    value: written === undefined ? fallback : resolve(written),
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
  const parse = (written: string | undefined): Parsed<Choice> => {
    const value = choices.find((choice) => choice === written);
    return value === undefined ? { expected: `must be one of the following values: ${choices.join(', ')}` } : { value };
  };
  return { ...custom(variable, fallback, parse, docs), choices };
}

/** A whole number of things. */
export const count = wholeNumber(1);
/** A duration that is written in milliseconds. */
export const milliseconds = wholeNumber(1);
/** A duration that is written in seconds, and read as milliseconds. */
export const seconds = wholeNumber(1000);
/** A duration that is written in hours, and read as milliseconds. */
export const hours = wholeNumber(3_600_000);

/** Whole numbers from `min`, which is 1 unless it is given, to `max`, read as `unit` times as many. */
function wholeNumber(unit: number) {
  return (
    variable: string,
    fallback: number,
    { min = 1, max, ...docs }: SettingDocs & { readonly min?: number; readonly max: number },
  ): Setting<number> => {
    const tooLarge = `must not be greater than ${max}`;
    const tooSmall = `must not be less than ${min}`;
    const parse = (written: string | undefined): Parsed<number> => {
      // `Number('')` is 0 and `Number('1e3')` is 1000: digits only, so that what is written is what is meant.
      if (!/^\d+$/.test(written ?? '')) return { expected: `${tooLarge}; ${tooSmall}; must be an integer number` };
      const value = Number(written);
      if (value > max) return { expected: tooLarge };
      return value < min ? { expected: tooSmall } : { value: value * unit };
    };
    return custom(variable, String(fallback), parse, docs);
  };
}
