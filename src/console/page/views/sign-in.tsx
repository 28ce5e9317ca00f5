import { useState } from 'preact/hooks';
import { Problem } from '../parts/problem.js';

/** Asks for a key. */
export function SignIn({
  problem,
  onKey,
}: {
  readonly problem: string | undefined;
  readonly onKey: (key: string) => void;
}) {
  const [key, setKey] = useState('');
  return (
    <main class="sign-in">
      <h1>Chiron</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '') onKey(key.trim());
        }}
      >
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          value={key}
          onInput={({ currentTarget }) => setKey(currentTarget.value)}
        />
        <p class="hint">It stays in this tab, and is sent to this server only.</p>
        <button type="submit">Sign in</button>
      </form>
      <Problem text={problem} />
    </main>
  );
}
