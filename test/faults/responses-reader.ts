import type { Message } from '../../src/anthropic/stream-event.js';
import type { ResponseEvent } from '../../src/responses/wire/response-event.js';
import type { ResponseObject } from '../../src/responses/wire/response-object.js';
import type { Try } from './caller.js';

/** Reads a streamed response, as far as it arrived. */
export function readResponseStream(text: string): Try {
  const events = text
    .split('\n\n')
    .slice(0, -1)
    .map((frame): ResponseEvent => {
      const event: ResponseEvent = JSON.parse(frame.slice(frame.indexOf('\ndata: ') + 7));
      return event;
    });
  const last = events.at(-1);
  const violations = orderProblems(events);
  if (last === undefined || !('response' in last) || ['queued', 'in_progress'].includes(last.response.status)) {
    return { kind: 'cut', events: events.length };
  }
  const { error } = last.response;
  if (error !== null) return { kind: 'error', type: error.code, text: error.message, violations };
  return { kind: 'message', message: toMessage(last.response), violations };
}

/** Reads a response in JSON. */
export function readWholeResponse(text: string): Try {
  try {
    const response: ResponseObject = JSON.parse(text);
    return { kind: 'message', message: toMessage(response), violations: [] };
  } catch {
    // Half an answer.
    return { kind: 'cut', events: 0 };
  }
}

/** What the suite judges of a message. */
function toMessage({ id, output, status }: ResponseObject): Pick<Message, 'id' | 'content' | 'stop_reason'> {
  const texts = output.flatMap((item) => (item.type === 'message' ? item.content.map(({ text }) => text) : []));
  return {
    id,
    content: texts.map((text) => ({ type: 'text', text, citations: null })),
    stop_reason: status === 'completed' ? 'end_turn' : null,
  };
}

/** Events are numbered without a gap, and each item that is added is done before the end. */
function orderProblems(events: readonly ResponseEvent[]): readonly string[] {
  const last = events.at(-1);
  const open = new Set<string>();
  const problems: string[] = [];
  let wanted = 0;
  for (const event of events) {
    // The last number again: a sign of life.
    if (event.type === 'response.in_progress' && event.sequence_number === wanted - 1) continue;
    if (event.sequence_number !== wanted) problems.push(`event ${event.sequence_number} instead of ${wanted}`);
    wanted = event.sequence_number + 1;
    if (event.type === 'response.output_item.added') open.add(event.item.id);
    if (event.type === 'response.output_item.done' && !open.delete(event.item.id)) {
      problems.push(`${event.item.id} is done and was not added`);
    }
  }
  if (last?.type === 'response.completed' && open.size > 0) problems.push(`not done: ${[...open].join(', ')}`);
  return problems;
}
