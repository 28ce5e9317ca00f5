/** The option of every command that prints what it found or did. */
export interface JsonOption {
  readonly json?: boolean;
}

/** The flag of {@link JsonOption}, and its help. */
export const JSON_OPTION = ['--json', 'print one JSON value'] as const;

/** Prints a value as JSON, or as text for people. */
export function print(json: boolean | undefined, value: object, toText: () => string): void {
  process.stdout.write(`${json === true ? JSON.stringify(value, undefined, 2) : toText()}\n`);
}
