import { isRecord, type JsonRecord } from './json.js';

/** A streaming request whose answer is read in the background. */
export interface OpenStream {
  /** Resolves once the text was somewhere in the answer; rejects when the answer ends without it. */
  saw(text: string): Promise<void>;
  /** All events, once the answer has ended or the connection was cut. */
  readonly ended: Promise<readonly JsonRecord[]>;
}

/** Sends a prompt as a caller that does not reconnect, and resolves with the answer's first byte. */
export async function openStream(url: string, prompt: string): Promise<OpenStream> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'any',
      max_tokens: 1000,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
  });
  if (response.body === null || !response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  let read = '';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  const ended = readAll(response.body.pipeThrough(new TextDecoderStream()), (text) => {
    read += text;
    wake();
  }).then(() => eventsOf(read));
  return {
    ended,
    saw: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!read.includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        void ended.then(() => reject(new Error(`the answer ended without ${text}:\n${read}`)));
        look();
      }),
  };
}

async function readAll(body: ReadableStream<string>, take: (text: string) => void): Promise<void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(value);
    }
  } catch {
    // A killed server closes the connection; the answer is what was read until then.
  }
}

function eventsOf(text: string): readonly JsonRecord[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line): unknown => JSON.parse(line.slice('data: '.length)))
    .filter(isRecord);
}
