import type { StreamedEvent } from './api-types.js';

/** What is shown of a thread, in order. */
export type Entry =
  | { readonly kind: 'user' | 'text' | 'thinking'; readonly id: string; readonly text: string }
  | {
      readonly kind: 'tool';
      readonly id: string;
      readonly name: string;
      readonly input: string;
      readonly output: string | undefined;
      readonly status: 'running' | 'completed' | 'failed';
      /** When it started, in milliseconds since the epoch; of a tool that runs. */
      readonly startedAtMs: number | undefined;
      /** How long it took; `undefined` while it runs, and where the server does not know it any more. */
      readonly durationMs: number | undefined;
    }
  | {
      readonly kind: 'end';
      readonly id: string;
      readonly outcome: 'completed' | 'failed' | 'cancelled';
      readonly text: string;
    };

/** The entries so far, whether a turn runs, and where to go on after a break. */
export interface ThreadTranscript {
  readonly entries: readonly Entry[];
  readonly isRunning: boolean;
  readonly lastId: number;
  /** Tokens of the turns that were seen. */
  readonly tokens: number;
}

/** Nothing was seen yet. @param lastId the id after which events are read. */
export function emptyTranscript(lastId: number): ThreadTranscript {
  return { entries: [], isRunning: false, lastId, tokens: 0 };
}

/** Adds events, in the order in which they came. */
export function addEvents(transcript: ThreadTranscript, events: readonly StreamedEvent[]): ThreadTranscript {
  return events.reduce(addEvent, transcript);
}

type Fields = Readonly<Record<string, unknown>>;

function addEvent(before: ThreadTranscript, event: StreamedEvent): ThreadTranscript {
  const transcript = event.id === undefined ? before : { ...before, lastId: event.id };
  const id = textOf(event.data['execution_id']);
  switch (event.type) {
    case 'session.execution_started':
      return { ...transcript, isRunning: true };
    case 'session.output.line':
      return addLine(transcript, textOf(event.data['method']), fieldsOf(event.data['params']));
    case 'session.execution_completed':
      return end(transcript, { kind: 'end', id, outcome: 'completed', text: '' });
    case 'session.execution_failed':
      return end(transcript, { kind: 'end', id, outcome: 'failed', text: textOf(event.data['error']) });
    case 'session.execution_cancelled':
      return end(transcript, { kind: 'end', id, outcome: 'cancelled', text: '' });
    default:
      return transcript;
  }
}

function addLine(transcript: ThreadTranscript, method: string, params: Fields): ThreadTranscript {
  switch (method) {
    case 'item/started':
    case 'item/completed': {
      const entry = toEntry(fieldsOf(params['item']), numberOrUndefined(params['startedAtMs']));
      return entry === undefined ? transcript : { ...transcript, entries: put(transcript.entries, entry) };
    }
    case 'item/agentMessage/delta':
      return append(transcript, 'text', params);
    case 'item/reasoning/textDelta':
      return append(transcript, 'thinking', params);
    case 'thread/tokenUsage/updated': {
      const { last } = fieldsOf(params['tokenUsage']);
      return { ...transcript, tokens: transcript.tokens + Number(fieldsOf(last)['totalTokens'] ?? 0) };
    }
    default:
      return transcript;
  }
}

function toEntry(item: Fields, startedAtMs: number | undefined): Entry | undefined {
  const id = textOf(item['id']);
  switch (item['type']) {
    case 'userMessage':
      return { kind: 'user', id, text: joinTexts(item['content']) };
    case 'agentMessage':
      return { kind: 'text', id, text: textOf(item['text']) };
    case 'reasoning':
      return { kind: 'thinking', id, text: listOf(item['content']).map(textOf).join('') };
    case 'commandExecution':
      return toolEntry(item, startedAtMs, {
        name: 'shell',
        input: textOf(item['command']),
        output: textOrUndefined(item['aggregatedOutput']),
      });
    case 'dynamicToolCall':
      return toolEntry(item, startedAtMs, {
        name: textOf(item['tool']),
        input: toJson(item['arguments']),
        output: contentOf(item['contentItems']),
      });
    case 'mcpToolCall': {
      const output =
        contentOf(fieldsOf(item['result'])['content']) ?? textOrUndefined(fieldsOf(item['error'])['message']);
      const name = `${textOf(item['server'])}/${textOf(item['tool'])}`;
      return toolEntry(item, startedAtMs, { name, input: toJson(item['arguments']), output });
    }
    default:
      return undefined;
  }
}

type ToolEntry = Extract<Entry, { readonly kind: 'tool' }>;

function toolEntry(
  item: Fields,
  startedAtMs: number | undefined,
  shown: Pick<ToolEntry, 'name' | 'input' | 'output'>,
): ToolEntry {
  const status = item['status'] === 'inProgress' ? 'running' : item['status'] === 'failed' ? 'failed' : 'completed';
  const durationMs = numberOrUndefined(item['durationMs']);
  return { kind: 'tool', id: textOf(item['id']), ...shown, status, startedAtMs, durationMs };
}

/** The same item again is a newer state of it. The last ones are the ones that change. */
function put(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  const index = entries.findLastIndex(({ kind, id }) => kind === entry.kind && id === entry.id);
  return index === -1 ? [...entries, entry] : entries.with(index, entry);
}

function append(transcript: ThreadTranscript, kind: 'text' | 'thinking', params: Fields): ThreadTranscript {
  const id = textOf(params['itemId']);
  const existing = transcript.entries.findLast((entry) => entry.kind === kind && entry.id === id);
  const before = existing !== undefined && 'text' in existing ? existing.text : '';
  return { ...transcript, entries: put(transcript.entries, { kind, id, text: before + textOf(params['delta']) }) };
}

function end(transcript: ThreadTranscript, entry: Entry): ThreadTranscript {
  return { ...transcript, isRunning: false, entries: put(transcript.entries, entry) };
}

function contentOf(value: unknown): string | undefined {
  return Array.isArray(value) ? joinTexts(value) : undefined;
}

function joinTexts(value: unknown): string {
  return listOf(value)
    .map(fieldsOf)
    .map((piece) => textOrUndefined(piece['text']) ?? '[image]')
    .join('\n');
}

function toJson(value: unknown): string {
  return JSON.stringify(value ?? {}, undefined, 2);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
