import type { ContentBlock, Message } from '../../anthropic/stream-event.js';
import { asObject, parseObject } from '../../domain/json.js';
import { toContentEvents } from '../../turns/message-events.js';
import { CompletionCollector } from './collect-completion.js';
import { type CompletionView, initialCompletionState } from './completion-state.js';
import { translateAllToCompletion } from './translate-completion.js';

/** Converts the content of a stored message to that of the answer that its caller got, and sends back as history. */
export function toShownContent(
  { id, content }: Pick<Message, 'id' | 'content'>,
  view: CompletionView,
): readonly ContentBlock[] {
  const collector = new CompletionCollector();
  collector.add(translateAllToCompletion(initialCompletionState(id, view), toContentEvents(content))[1]);
  const { content: text, tool_calls: calls = [] } = collector.message;
  return [
    ...(text === null ? [] : [{ type: 'text', text, citations: null } as const]),
    ...calls.map(({ id: callId, function: { name, arguments: json } }) => ({
      type: 'tool_use' as const,
      id: callId,
      name,
      input: asObject(parseObject(json)),
    })),
  ];
}
