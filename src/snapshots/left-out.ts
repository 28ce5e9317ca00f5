/**
 * What no snapshot has, whichever agent runs: caches, which programs fill again.
 */
const CACHES: readonly string[] = ['home/.cache', 'home/.npm/_cacache', 'home/.npm/_logs'];

/**
 * Tells what a snapshot leaves out.
 *
 * @param patterns paths below a thread's folder, with all that is in them; `*` in the last name matches any text
 */
export function toLeftOut(patterns: readonly string[]): (path: string) => boolean {
  const all = [...CACHES, ...patterns];
  const exact = new Set(all.filter((pattern) => !pattern.includes('*')));
  const expressions = all.filter((pattern) => pattern.includes('*')).map(toExpression);
  return (path) => exact.has(path) || expressions.some((expression) => expression.test(path));
}

function toExpression(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^/]*')}$`);
}
