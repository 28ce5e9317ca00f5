import type { Watcher } from './caller.js';
import type { Finding } from './judge.js';
import { pathOf } from './reading.js';
import { bytesOf, type FuzzCase } from './request.js';

/** Findings of one kind. */
export interface FindingGroup {
  readonly count: number;
  /** The one whose request is the shortest. */
  readonly finding: Finding;
}

/** Requests that hang, after which a run is ended: each takes its whole time limit. */
const MOST_HANGING = 8;

/** Counts cases by what they are, where they go and what became of them, and keeps the findings. */
export class Report implements Watcher {
  readonly #statuses = new Map<string, number>();
  readonly #endpoints = new Map<string, Map<string, number>>();
  readonly #groups = new Map<string, FindingGroup>();
  #hanging = 0;
  #done = 0;

  /** Cases that are done. */
  get cases(): number {
    return this.#done;
  }

  /** The share of the cases that were answered with 200. */
  get acceptedShare(): number {
    return (this.#statuses.get('200') ?? 0) / Math.max(1, this.#done);
  }

  /** Too much hangs for the run to go on. */
  get isHopeless(): boolean {
    return this.#hanging >= MOST_HANGING;
  }

  /** The findings, those of one kind together. */
  get groups(): readonly FindingGroup[] {
    return [...this.#groups.values()];
  }

  done(each: FuzzCase, status: string): void {
    this.#done += 1;
    add(this.#statuses, status);
    const endpoint = endpointOf(each);
    const counts = this.#endpoints.get(endpoint) ?? new Map<string, number>();
    add(counts, status);
    this.#endpoints.set(endpoint, counts);
  }

  found(findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (finding.rule === 'hanging') this.#hanging += 1;
      const name = kindOf(finding);
      const group = this.#groups.get(name);
      const isShorter = group === undefined || lengthOf(finding.shown) < lengthOf(group.finding.shown);
      this.#groups.set(name, { count: (group?.count ?? 0) + 1, finding: isShorter ? finding : group.finding });
    }
  }

  /** The counts, one line each. */
  lines(): readonly string[] {
    const endpoints = [...this.#endpoints].toSorted(([one], [other]) => one.localeCompare(other));
    return [
      `statuses: ${counted(this.#statuses)}`,
      ...endpoints.map(([endpoint, counts]) => `  ${endpoint.padEnd(36)} ${counted(counts)}`),
    ];
  }
}

/** What findings of one kind have in common: ids and numbers differ from one to the next. */
export function kindOf({ rule, text }: Finding): string {
  return `${rule} ${text.replaceAll(/[0-9a-f]{8,}|\d+/g, '').slice(0, 60)}`;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} × ${count}`)
    .join(', ');
}

function lengthOf(shown: FuzzCase | undefined): number {
  if (shown === undefined) return Number.MAX_SAFE_INTEGER;
  return shown.type === 'raw' ? Buffer.concat([...shown.writes]).length : bytesOf(shown).length;
}

const ENDPOINTS: readonly (readonly [RegExp, string])[] = [
  [/^\/v1\/messages\/count_tokens$/, '/v1/messages/count_tokens'],
  [/^\/v1\/messages\/[^/]+\/cancel$/, '/v1/messages/:id/cancel'],
  [/^\/v1\/messages$/, '/v1/messages'],
  [/^\/v1\/responses$/, '/v1/responses'],
  [/^\/v1\/responses\/./, '/v1/responses/:id'],
  [/^\/v1\/chat\/completions$/, '/v1/chat/completions'],
  [/^\/v1\/models\/./, '/v1/models/:id'],
  [/^\/v1\/models$/, '/v1/models'],
  [/^\/api\/sessions$/, '/api/sessions'],
  [/^\/api\/session\/[^/]+$/, '/api/session/:key'],
  [/^\/api\/session\/[^/]+\/files/, '/api/session/:key/files'],
  [/^\/api\/session\/[^/]+\/turns\//, '/api/session/:key/turns/:id'],
  [/^\/api\/session\/[^/]+\/(messages|execute|interrupt|cancel|events|history)$/, '/api/session/:key/'],
];

function endpointOf(each: FuzzCase): string {
  if (each.type === 'raw') return each.kind;
  const path = pathOf(each);
  const name = ENDPOINTS.find(([pattern]) => pattern.test(path))?.[1];
  if (name === undefined) return 'other routes';
  const last = name.endsWith(':key/') ? (path.split('/').at(-1) ?? '') : '';
  return `${name}${last}`;
}
