import { COUNTS, type Finding } from './judge.js';

/** What is printed of one scenario that failed. */
export interface Details {
  readonly seed: number;
  readonly title: string;
  readonly findings: readonly Finding[];
  /** The stored turns, and what the servers printed. */
  readonly evidence: string;
}

/** Counts scenarios and findings, and prints them. */
export class Report {
  readonly #counts = new Map(COUNTS.map((count) => [count, 0]));
  #passed = 0;
  #failed = 0;

  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Notes a scenario that went well. */
  passed(title: string, milliseconds: number): void {
    this.#passed += 1;
    this.#print(`ok    ${title} (${(milliseconds / 1000).toFixed(1)} s)`);
  }

  /** Says why a scenario was not run. */
  skipped(title: string, reason: string): void {
    this.#print(`skip  ${title}: ${reason}`);
  }

  /** Notes a scenario that did not, with all that is needed to find out why. */
  fault({ seed, title, findings, evidence }: Details): void {
    this.#failed += 1;
    // Of each kind once per scenario: one turn that is lost may show in several ways.
    for (const count of new Set(findings.map((finding) => finding.count))) {
      this.#counts.set(count, (this.#counts.get(count) ?? 0) + 1);
    }
    this.#print(`FAIL  ${title} (--seed ${seed})`);
    for (const { count, text } of findings) this.#print(`      ${count}: ${text}`);
    this.#print(indented(evidence));
  }

  /** The counts, and as the last line how many scenarios passed and failed. */
  end(seed: number): void {
    this.#print('');
    for (const [count, times] of this.#counts) this.#print(`${count}: ${times}`);
    this.#print(`seed: ${seed}`);
    this.#print(`${this.#passed} passed, ${this.#failed} failed`);
  }
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `      | ${line}`)
    .join('\n');
}
