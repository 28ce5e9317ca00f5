import { setTimeout as delay } from 'node:timers/promises';
import { parseEvents, streamedText } from '../../support/sse-client.js';

/** How a request is sent. */
export interface Asked {
  /** The thread's name after `test:`; absent for a request without a thread. */
  readonly thread?: string;
  readonly idempotencyKey?: string;
  /** `demo` by default. */
  readonly model?: string;
  /** Absent where servers have no keys. */
  readonly apiKey?: string;
  /** Called with all that was read so far. */
  readonly onText?: (text: string) => void;
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly messageId: string;
  /** What the server says of the thread: `new`, `continued`, `lost` … */
  readonly history: string | null;
  readonly text: string;
  /** Texts of the results of tools. */
  readonly results: readonly string[];
  /** Every event, as it was read. */
  readonly raw: string;
}

/** What an answer to a request that was refused or broke off says. */
export class BrokenAnswer extends Error {
  override readonly name = 'BrokenAnswer';
}

/** Asks for a turn of the demo agent. @throws BrokenAnswer for anything but a whole answer. */
export async function ask(
  url: string,
  content: string,
  { thread, idempotencyKey, model = 'demo', apiKey, onText }: Asked = {},
): Promise<Answer> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
      ...(thread === undefined ? {} : { 'x-chiron-thread-key': `test:${thread}` }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    body: JSON.stringify({ model, max_tokens: 1000, stream: true, messages: [{ role: 'user', content }] }),
  });
  if (response.status !== 200) throw new BrokenAnswer(`${response.status}: ${await response.text()}`);
  const decoder = new TextDecoder();
  let raw = '';
  try {
    for await (const chunk of response.body ?? []) {
      raw += decoder.decode(chunk, { stream: true });
      onText?.(raw);
    }
  } catch (error) {
    throw new BrokenAnswer('the connection broke', { cause: error });
  }
  const events = parseEvents(raw).map(({ data }) => data);
  if (!raw.includes('event: message_stop')) throw new BrokenAnswer(`no end: ${raw.slice(-300)}`);
  const start = events.find((event) => event.type === 'message_start');
  const results = events.flatMap((event) =>
    event.type === 'content_block_start' && event.content_block.type === 'mcp_tool_result'
      ? event.content_block.content.map(({ text }) => text)
      : [],
  );
  const history = response.headers.get('x-chiron-history');
  return { status: 200, messageId: start?.message.id ?? '', history, text: streamedText(events), results, raw };
}

/** Asks again, as an SDK does, until there is a whole answer. */
export async function askUntilAnswered(url: string, content: string, asked: Asked = {}): Promise<Answer> {
  const deadline = performance.now() + 90_000;
  for (;;) {
    try {
      return await ask(url, content, asked);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(300);
    }
  }
}
