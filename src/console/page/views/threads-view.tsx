import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { ListedSession } from '../api-types.js';
import { toHash } from '../location.js';
import { Problem, toProblem } from '../parts/problem.js';
import { StateBadge } from '../parts/state-badge.js';

/** How long after the last keystroke a search begins. */
const SEARCH_DELAY_MS = 250;

/** The threads of the key's tenant, last changed first. */
export function ThreadsView({ api }: { readonly api: Api }) {
  const [search, setSearch] = useState('');
  const [sessions, setSessions] = useState<readonly ListedSession[]>();
  const [cursor, setCursor] = useState<string>();
  const [problem, setProblem] = useState<string>();
  /** The search whose answer is awaited: a slower answer to an earlier one is dropped. */
  const awaited = useRef('');
  const load = async (text: string, from: string | undefined): Promise<void> => {
    awaited.current = text;
    try {
      const page = await api.listSessions(text, from);
      if (awaited.current !== text) return;
      setSessions((before) => (from === undefined ? page.sessions : [...(before ?? []), ...page.sessions]));
      setCursor(page.next_cursor ?? undefined);
      setProblem(undefined);
    } catch (error) {
      setProblem(toProblem(error));
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(search, undefined), search === '' ? 0 : SEARCH_DELAY_MS);
    return () => clearTimeout(timer);
  }, [search]);
  return (
    <>
      <h1>Threads</h1>
      <div class="row">
        <label for="search">Search by key</label>
        <input
          id="search"
          type="search"
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <button type="button" onClick={() => void load(search, undefined)}>
          Refresh
        </button>
      </div>
      <Problem text={problem} />
      {sessions !== undefined && <ThreadTable sessions={sessions} />}
      {cursor !== undefined && (
        <button type="button" onClick={() => void load(search, cursor)}>
          Load more
        </button>
      )}
    </>
  );
}

function ThreadTable({ sessions }: { readonly sessions: readonly ListedSession[] }) {
  if (sessions.length === 0) return <p role="status">No threads.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="List of threads">
      <table>
        <thead>
          <tr>
            <th scope="col">Thread</th>
            <th scope="col">State</th>
            <th scope="col">Agent</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map(({ thread_key: key, status, harness_type: harness, updated_at: changed }) => (
            <tr key={key}>
              <td>
                <a href={toHash({ name: 'thread', key })}>{key}</a>
              </td>
              <td>
                <StateBadge status={status} />
              </td>
              <td>{harness}</td>
              <td>
                <time dateTime={changed}>{new Date(changed).toLocaleString()}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
