import type { ListedSession } from '../api-types.js';

const WORDS: Readonly<Record<ListedSession['status'], string>> = {
  idle: 'idle',
  executing: 'running',
  failed: 'failed',
  parked: 'waits for tools',
};

/** The state of a thread, in a word and a color. */
export function StateBadge({ status }: { readonly status: ListedSession['status'] }) {
  return <span class={`badge ${status}`}>{WORDS[status]}</span>;
}
