/** Whether the name of a model matches a pattern, ignoring case; `*` matches any text. */
export function matchesModelPattern(pattern: string, model: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${expression}$`, 'i').test(model);
}
