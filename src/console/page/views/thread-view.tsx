import { useEffect, useState } from 'preact/hooks';
import type { Api, SessionDetails } from '../api.js';
import { toContinueLines } from '../continue-lines.js';
import { EntryList } from '../parts/entry-list.js';
import { Problem, toProblem } from '../parts/problem.js';
import { StateBadge } from '../parts/state-badge.js';
import { useTranscript } from '../parts/use-transcript.js';

/** One thread: its last turns, what happens now, and a prompt for the next one. */
export function ThreadView({ api, threadKey }: { readonly api: Api; readonly threadKey: string }) {
  const [session, setSession] = useState<SessionDetails>();
  const [problem, setProblem] = useState<string>();
  const fail = (error: unknown): void => setProblem(toProblem(error));
  useEffect(() => void api.getSession(threadKey).then(setSession, fail), [api, threadKey]);
  const { entries, isRunning, tokens } = useTranscript(api, threadKey, session?.turn_count, fail);
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
      <EntryList entries={entries} />
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
      <ContinueElsewhere session={session} />
    </>
  );
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
