/** What `chiron doctor` found out about one thing. Never has a key, a prompt or the value of a variable. */
export interface Finding {
  readonly area: 'settings' | 'node' | 'store' | 'disk' | 'sandbox' | 'agents' | 'access' | 'network';
  /** `problem`: the server does not start, or does no work. `warning`: it works, but less than it could. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

type Details = Pick<Finding, 'message' | 'remedy'>;

/** Something that works. */
export function ok(area: Finding['area'], message: string): Finding {
  return { area, status: 'ok', message };
}

/** Something that the server goes without. */
export function warning(area: Finding['area'], message: string, remedy?: string): Finding {
  return { area, status: 'warning', ...withRemedy(message, remedy) };
}

/** Something that the server needs. */
export function problem(area: Finding['area'], message: string, remedy?: string): Finding {
  return { area, status: 'problem', ...withRemedy(message, remedy) };
}

/** Whether the server can start and work. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== 'problem');
}

/** Renders findings for a terminal: a line each, what to do below it, and a sentence at the end. */
export function renderFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ status, area, message, remedy }) => [
    `${status.padEnd(7)}  ${area.padEnd(8)}  ${message}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(19)}→ ${remedy}`]),
  ]);
  // Paths and messages of other programs must not control the terminal.
  return [...lines.map((line) => line.replaceAll(/\p{Cc}+/gu, ' ')), '', summarize(findings)].join('\n');
}

function summarize(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  const warnings = count('warning') === 0 ? '' : ` Warnings: ${count('warning')}.`;
  return isHealthy(findings)
    ? `Everything that the server needs works.${warnings}`
    : `Problems: ${count('problem')}.${warnings}`;
}

function withRemedy(message: string, remedy: string | undefined): Details {
  return remedy === undefined ? { message } : { message, remedy };
}
