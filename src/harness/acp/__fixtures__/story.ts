import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';

/** What is wrong with the events of a turn; empty if nothing is. */
export function findFaults(events: readonly HarnessEvent[], isAnswered: boolean): readonly string[] {
  const faults: string[] = [];
  let open: string | undefined;
  const ended = new Set<string>();
  const calls = new Map<string, boolean>();
  for (const [index, event] of events.entries()) {
    switch (event.type) {
      case 'text-delta':
      case 'thinking-delta':
        if (event.text === '') faults.push('an empty delta');
        if (ended.has(event.id)) faults.push(`${event.id} goes on after its end`);
        if (open !== undefined && open !== event.id) faults.push(`${event.id} begins in ${open}`);
        open = event.id;
        break;
      case 'block-end':
        if (open !== event.id) faults.push(`${event.id} ends and is not open`);
        open = undefined;
        ended.add(event.id);
        break;
      case 'tool-call':
        if (calls.has(event.id)) faults.push(`${event.id} is called twice`);
        if (open !== undefined) faults.push(`a call in ${open}`);
        if (Object.keys(event.input).length === 0) faults.push(`${event.id} has no input`);
        calls.set(event.id, false);
        break;
      case 'tool-result':
        if (calls.get(event.id) !== false) faults.push(`${event.id} has a result and does not wait for one`);
        calls.set(event.id, true);
        break;
      case 'model-call-end':
        if (event.usage.inputTokens + event.usage.outputTokens === 0) faults.push('counts of zero');
        break;
      case 'turn-end':
      case 'turn-failed':
        if (index !== events.length - 1) faults.push('the end is not the last event');
        break;
      default:
    }
  }
  if (!isAnswered) return faults;
  if (open !== undefined) faults.push(`${open} never ends`);
  for (const [id, hasResult] of calls) if (!hasResult) faults.push(`${id} has no result`);
  if (events.filter(isTurnEnd).length !== 1) faults.push('no end, or several');
  return faults;
}

/** The events as lines; texts are whole, and usage is left out. */
export function toStory(events: readonly HarnessEvent[]): readonly string[] {
  const story: string[] = [];
  let text = '';
  for (const event of events) {
    if (event.type === 'text-delta' || event.type === 'thinking-delta') text += event.text;
    else if (event.type === 'block-end') {
      story.push(event.id.startsWith('text') ? text : `(${text})`);
      text = '';
    } else if (event.type === 'tool-call') story.push(`${event.server} ${event.name} ${JSON.stringify(event.input)}`);
    else if (event.type === 'tool-result') {
      const said = event.content.map((part) => (part.type === 'text' ? part.text : part.mediaType)).join('');
      story.push(`${event.isError ? 'failed' : 'result'}: ${said.trimEnd()}`);
    } else if (event.type === 'notice') story.push(`[${event.kind}] ${event.message}`);
    else if (event.type === 'turn-end') story.push(`end: ${event.reason}`);
    else if (event.type === 'turn-failed') story.push(`${event.kind}: ${event.message}`);
  }
  return story;
}

/** Model, input, output, cache read, cache creation and thinking of each count of a turn. */
export function toUsage(events: readonly HarnessEvent[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.type !== 'model-call-end') return [];
    const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens, thinkingTokens } = event.usage;
    return [
      [event.model, inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens, thinkingTokens].join(
        ' ',
      ),
    ];
  });
}
