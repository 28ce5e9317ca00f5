import { countTokens, toDollars, toDurationText } from '../amounts.js';
import type { Billed } from '../api-types.js';
import type { Entry } from '../transcript.js';

const ENDS = { completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled' } as const;

/** What was said and done in a thread. @param bills what turns are billed with, by their ids */
export function EntryList({
  entries,
  bills,
}: {
  readonly entries: readonly Entry[];
  readonly bills: ReadonlyMap<string, Billed>;
}) {
  return (
    <ol class="entries" aria-label="Conversation">
      {entries.map((entry) => (
        <li key={`${entry.kind} ${entry.id}`} class={entry.kind}>
          <EntryBody entry={entry} bill={bills.get(entry.id)} />
        </li>
      ))}
    </ol>
  );
}

function EntryBody({ entry, bill }: { readonly entry: Entry; readonly bill: Billed | undefined }) {
  switch (entry.kind) {
    case 'user':
      return (
        <>
          <h2>User</h2>
          <p class="text">{entry.text}</p>
        </>
      );
    case 'text':
      return <p class="text">{entry.text}</p>;
    case 'thinking':
      return (
        <details>
          <summary>Thinking</summary>
          <p class="text">{entry.text}</p>
        </details>
      );
    case 'tool':
      return (
        <details>
          <summary>
            Tool <code>{entry.name}</code> <span class={`badge ${entry.status}`}>{entry.status}</span>{' '}
            <ToolTime entry={entry} />
          </summary>
          <h3>Input</h3>
          <pre tabIndex={0}>{entry.input}</pre>
          {entry.output !== undefined && (
            <>
              <h3>Output</h3>
              <pre tabIndex={0}>{entry.output}</pre>
            </>
          )}
        </details>
      );
    case 'end':
      return (
        <p class={`end ${entry.outcome}`}>
          {ENDS[entry.outcome]}
          {entry.text !== '' && `: ${entry.text}`}
          {bill !== undefined && ` · ${toBillText(bill)}`}
        </p>
      );
    default:
      return entry satisfies never;
  }
}

/** How long a tool took; since when it runs, which needs no comparison with the clock of the reader. */
function ToolTime({ entry }: { readonly entry: Extract<Entry, { readonly kind: 'tool' }> }) {
  if (entry.durationMs !== undefined) return <span class="time">{toDurationText(entry.durationMs)}</span>;
  if (entry.status !== 'running' || entry.startedAtMs === undefined) return null;
  const startedAt = new Date(entry.startedAtMs);
  return (
    <span class="time">
      since <time dateTime={startedAt.toISOString()}>{startedAt.toLocaleTimeString()}</time>
    </span>
  );
}

function toBillText(bill: Billed): string {
  const cost = bill.cost_usd === null ? 'cost unknown' : toDollars(bill.cost_usd);
  return `${countTokens(bill).toLocaleString()} tokens · ${cost}`;
}
