import type { Entry } from '../transcript.js';

const ENDS = { completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled' } as const;

/** What was said and done in a thread. */
export function EntryList({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <ol class="entries" aria-label="Conversation">
      {entries.map((entry) => (
        <li key={`${entry.kind} ${entry.id}`} class={entry.kind}>
          <EntryBody entry={entry} />
        </li>
      ))}
    </ol>
  );
}

function EntryBody({ entry }: { readonly entry: Entry }) {
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
            Tool <code>{entry.name}</code> <span class={`badge ${entry.status}`}>{entry.status}</span>
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
        </p>
      );
    default:
      return entry satisfies never;
  }
}
