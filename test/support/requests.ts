/** A request with one user message. */
export function ask(content: unknown, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { model: 'claude-opus-5-5', max_tokens: 1024, messages: [{ role: 'user', content }], ...more };
}

/** A request with a conversation: texts of the user and of the assistant in turn, the user's first. */
export function converse(texts: readonly string[], more: Readonly<Record<string, unknown>> = {}) {
  const messages = texts.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }));
  return ask('', { messages, ...more });
}

/** The header that names a thread. */
export function thread(name: string): Record<string, string> {
  return { 'x-chiron-thread-key': `test:${name}` };
}
