import type { Response } from 'express';
import { randomBytes } from 'node:crypto';
import { encodeSseFrame, escapeUnicodeLineBreaks, SSE_HEADERS } from '../../http/server-sent-events.js';
import type { SideAnswer } from '../clients/responses-client.js';
import { outputText } from '../wire/output-item.js';

/** No tokens, as no model was called. */
const NO_USAGE = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/**
 * Answers a request beside a conversation without an agent. Such a response is not stored.
 *
 * @param model the name that the request has.
 */
export function sendSideAnswer(
  answer: Exclude<SideAnswer, { readonly kind: 'agent' }>,
  model: string,
  response: Response,
  isStream: boolean,
): void {
  const part = randomBytes(12).toString('hex');
  const item =
    answer.kind === 'text'
      ? {
          id: `msg_${part}_0`,
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [outputText(answer.text)],
          phase: 'final_answer',
        }
      : // Opaque to Codex, which sends it back instead of what it compacted; the agent remembers all of that. [Codex 0.169.0]
        { id: `cmp_${part}_0`, type: 'compaction', encrypted_content: 'chiron' };
  const facts = {
    id: `resp_${part}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model,
    error: null,
  };
  const whole = { ...facts, status: 'completed', output: [item], usage: NO_USAGE };
  if (!isStream) {
    response.type('json').send(Buffer.from(JSON.stringify(whole)));
    return;
  }
  const created = { ...facts, status: 'in_progress', output: [], usage: null };
  const frames = [
    { type: 'response.created', response: created },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: whole },
  ].map((event, place) => encodeSseFrame(event.type, { ...event, sequence_number: place }));
  response.writeHead(200, SSE_HEADERS).end(escapeUnicodeLineBreaks(frames.join('')));
}
