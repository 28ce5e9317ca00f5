/** A line to paste into a terminal, which goes on with a thread. */
export interface ContinueLine {
  readonly client: string;
  readonly line: string;
}

/** How to go on with a thread in other clients. @param origin the address of the server, as the browser has it. @param model the thread's. */
export function toContinueLines(origin: string, key: string, model: string): readonly ContinueLine[] {
  const header = `x-chiron-thread-key: ${key}`;
  const messages = [{ role: 'user', content: 'Go on' }];
  const post = (path: string, body: object): string =>
    `curl ${quote(origin + path)} -H "x-api-key: $CHIRON_KEY" -H ${quote(header)} -H 'content-type: application/json' -d ${quote(JSON.stringify(body))}`;
  return [
    {
      client: 'Claude Code or Codex, with the conversation',
      line: `CHIRON_URL=${quote(origin)} npx chiron join ${quote(key)}`,
    },
    {
      client: 'Claude Code',
      line: `ANTHROPIC_BASE_URL=${quote(origin)} ANTHROPIC_AUTH_TOKEN="$CHIRON_KEY" ANTHROPIC_CUSTOM_HEADERS=${quote(header)} claude`,
    },
    {
      client: 'Codex',
      line: `curl -fsS ${quote(`${origin}/codex/config?model=${encodeURIComponent(model)}`)} -H "x-api-key: $CHIRON_KEY" | sh && CODEX_HOME="$HOME/.codex-chiron" CHIRON_API_KEY="$CHIRON_KEY" CHIRON_THREAD=${quote(key)} codex`,
    },
    { client: 'curl', line: post('/v1/messages', { model, max_tokens: 1024, messages }) },
    { client: 'curl, Chat Completions', line: post('/v1/chat/completions', { model, messages }) },
  ];
}

/** Quotes a text for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
