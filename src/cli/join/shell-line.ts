/** A program to start: with these variables besides those of the user, without some of them, and these arguments. */
export interface ClientStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** For a line: what is added to the user's own value of a variable that may have secrets. */
  readonly extended?: Readonly<Record<string, string>>;
  /** Variables of the user that would lead the program elsewhere. */
  readonly unset: readonly string[];
  /** The variable among them that has the user's key; absent where the server has no keys. */
  readonly keyVariable?: string | undefined;
}

/**
 * Renders a start as a line for `bash`, `zsh` and the like. The key stays in the user's own variable.
 *
 * @param ownKey the name of that variable
 */
export function renderLine(
  { program, args, variables, extended = {}, unset, keyVariable }: ClientStart,
  cwd: string,
  ownKey: string,
): string {
  const set = Object.entries(variables).map(([name, value]) => {
    if (name === keyVariable) return `${name}="$${ownKey}"`;
    const added = extended[name];
    return added === undefined ? `${name}=${quote(value)}` : `${name}="$${name}"${quote(added)}`;
  });
  const without = unset.flatMap((name) => ['-u', name]);
  return [`cd ${quote(cwd)} &&`, 'env', ...without, ...set, program, ...args.map(quote)].join(' ');
}

/** A plain word stays as it is. Only `$'…'` can hold a line break in one line. */
function quote(text: string): string {
  if (/^[\w./:=@%+-]+$/.test(text)) return text;
  if (!/[\n\r\t]/.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
  return `$'${escaped.replaceAll('\r', String.raw`\r`).replaceAll('\t', String.raw`\t`)}'`;
}
