import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { Billed, SessionDetails, SessionTurn } from '../api-types.js';
import { toContinueLines } from '../continue-lines.js';
import { EntryList } from '../parts/entry-list.js';
import { FileList } from '../parts/file-list.js';
import { Problem, toProblem } from '../parts/problem.js';
import { StateBadge } from '../parts/state-badge.js';
import { useTranscript } from '../parts/use-transcript.js';

/** One thread: its last turns, what happens now, and a prompt for the next one. */
export function ThreadView({ api, threadKey }: { readonly api: Api; readonly threadKey: string }) {
  const [session, setSession] = useState<SessionDetails>();
  const [problem, setProblem] = useState<string>();
  const fail = (error: unknown): void => setProblem(toProblem(error));
  const [bills, setBills] = useState<ReadonlyMap<string, Billed>>(new Map());
  /** How many turns there were at first: the transcript goes on from there by itself. */
  const [turnCount, setTurnCount] = useState<number>();
  const { entries, isRunning, tokens } = useTranscript(api, threadKey, turnCount, fail);
  const lastEnded = entries.findLast(({ kind }) => kind === 'end')?.id;
  useEffect(() => {
    if (lastEnded !== undefined && bills.has(lastEnded)) return undefined;
    let isCurrent = true;
    api.getSession(threadKey).then(
      (found) => {
        if (!isCurrent) return;
        setSession(found);
        setTurnCount((before) => before ?? found.turn_count);
        setBills((before) => addBills(before, found.turns));
      },
      (error: unknown) => isCurrent && fail(error),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, threadKey, lastEnded]);
  const interrupt = (): void => {
    api.interrupt(threadKey).then(() => setProblem(undefined), fail);
  };
  if (session === undefined) {
    return (
      <>
        <h1>{threadKey}</h1>
        <Problem text={problem} />
      </>
    );
  }
  const status = isRunning ? 'executing' : session.status === 'executing' ? 'idle' : session.status;
  return (
    <>
      <h1>{threadKey}</h1>
      <p class="meta">
        <StateBadge status={status} /> {session.harness_type} · {session.model} ·{' '}
        {tokens === 0 ? 'no tokens yet' : `${tokens.toLocaleString()} tokens in what is shown`}
      </p>
      <EntryList entries={entries} bills={bills} />
      <p class="visually-hidden" role="status">
        {isRunning ? 'The agent is working.' : 'The agent is idle.'}
      </p>
      <Problem text={problem} />
      <PromptForm
        isRunning={isRunning}
        onInterrupt={interrupt}
        onPrompt={async (prompt) => {
          await api.execute(threadKey, prompt);
          setProblem(undefined);
        }}
        onError={fail}
      />
      <FileList api={api} threadKey={threadKey} onError={fail} />
      <ContinueElsewhere session={session} />
    </>
  );
}

/** A turn is read again and again, but its bill stays: those of turns that are no longer among the last ones are kept. */
function addBills(bills: ReadonlyMap<string, Billed>, turns: readonly SessionTurn[]): ReadonlyMap<string, Billed> {
  const found = turns.flatMap(({ execution_id, billed }) =>
    billed === undefined ? [] : [[execution_id, billed] as const],
  );
  return new Map([...bills, ...found]);
}

function PromptForm({
  isRunning,
  onPrompt,
  onInterrupt,
  onError,
}: {
  readonly isRunning: boolean;
  readonly onPrompt: (prompt: string) => Promise<void>;
  readonly onInterrupt: () => void;
  readonly onError: (error: unknown) => void;
}) {
  const [prompt, setPrompt] = useState('');
  const [isSending, setIsSending] = useState(false);
  const send = async (): Promise<void> => {
    if (prompt.trim() === '' || isSending) return;
    setIsSending(true);
    try {
      await onPrompt(prompt);
      setPrompt('');
    } catch (error) {
      onError(error);
    } finally {
      setIsSending(false);
    }
  };
  return (
    <form
      class="prompt"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label for="prompt">Prompt</label>
      <textarea
        id="prompt"
        rows={3}
        value={prompt}
        onInput={({ currentTarget }) => setPrompt(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send();
        }}
      />
      <div class="row">
        <button type="submit" disabled={isSending || isRunning}>
          Send
        </button>
        <button type="button" disabled={!isRunning} onClick={onInterrupt}>
          Interrupt
        </button>
      </div>
    </form>
  );
}

function ContinueElsewhere({ session }: { readonly session: SessionDetails }) {
  return (
    <details>
      <summary>Go on in another client</summary>
      <p class="hint">With your key in the variable CHIRON_KEY:</p>
      {toContinueLines(location.origin, session.thread_key, session.model).map(({ client, line }) => (
        <section key={client}>
          <h3>{client}</h3>
          <pre tabIndex={0}>{line}</pre>
        </section>
      ))}
    </details>
  );
}
