import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import type { FurtherMessage } from '../../harness.js';
import { readTextBlock, readUserText, toPiBlockId, toMessageId, toPiResult, toPiToolCall } from '../decode/content.js';
import { hasTokens, toPiUsage, withoutOutput } from '../decode/usage.js';
import { messageOf, type PiEntry } from './record.js';

/** A tool call of a model's message. */
export interface PiCall {
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** What the record has of a turn. */
export interface Replay {
  readonly events: readonly HarnessEvent[];
  /** Ids of the further messages that are in it. */
  readonly heard: ReadonlySet<string>;
  /** Calls without a result. */
  readonly unanswered: readonly PiCall[];
}

/** The calls in a message of the model. */
export function callsIn(message: JsonObject): readonly PiCall[] {
  return asObjects(message['content'])
    .filter(({ type }) => type === 'toolCall')
    .map((call) => ({
      id: asString(call['id']) ?? '',
      name: asString(call['name']) ?? 'tool',
      input: asObject(call['arguments']),
    }));
}

/** What is known of a turn besides its record. */
export interface ReplayFacts {
  /** The messages that earlier attempts got. */
  readonly further: readonly FurtherMessage[];
  /** The text under which pi records such a message. */
  readonly toText: (message: FurtherMessage) => string;
  /** How many of its model calls are counted in the log. They have no ids: those that come first are the ones. */
  readonly countedCalls: number;
}

/** Tells a turn from its record with the ids that its events had, so that what is in the log already is known again. */
export function replayTurn(entries: readonly PiEntry[], { further, toText, countedCalls }: ReplayFacts): Replay {
  const heard = new Set<string>();
  let counted = countedCalls;
  const calls = new Map<string, PiCall>();
  const hear = (message: JsonObject): readonly HarnessEvent[] => {
    const text = readUserText(message);
    const found = further.find((each) => !heard.has(each.id) && toText(each) === text);
    if (found === undefined) return [];
    heard.add(found.id);
    return [{ type: 'user-message', id: found.id }];
  };
  const events = entries.flatMap((entry): readonly HarnessEvent[] => {
    const [user, assistant, result] = [
      messageOf(entry, 'user'),
      messageOf(entry, 'assistant'),
      messageOf(entry, 'toolResult'),
    ];
    if (user !== undefined) return hear(user);
    if (assistant !== undefined) {
      for (const call of callsIn(assistant)) calls.set(call.id, call);
      if (hasTokens(toPiUsage(assistant['usage']))) counted -= 1;
      return tellMessage(assistant, counted < 0);
    }
    const id = asString(result?.['toolCallId']) ?? '';
    return calls.delete(id) ? [toPiResult(id, result?.['content'], result?.['isError'] === true)] : [];
  });
  return { events, heard, unanswered: [...calls.values()] };
}

function tellMessage(message: JsonObject, isNew: boolean): readonly HarnessEvent[] {
  const usage = toPiUsage(message['usage']);
  const model = asString(message['responseModel']) ?? asString(message['model']) ?? 'unknown';
  const blocks = asObjects(message['content']).flatMap((block, index) => tellBlock(message, block, index));
  const counts: readonly HarnessEvent[] = [{ type: 'model-call-end', model, usage }];
  const calls = callsIn(message).map(({ id, name, input }) => toPiToolCall(id, name, input));
  if (!isNew || !hasTokens(usage)) return [...blocks, ...calls];
  return [{ type: 'model-call-start', model, usage: withoutOutput(usage) }, ...blocks, ...counts, ...calls];
}

function tellBlock(message: JsonObject, block: JsonObject, index: number): readonly HarnessEvent[] {
  const found = readTextBlock(block);
  if (found === undefined) return [];
  const id = toPiBlockId(toMessageId(message), index);
  const type = found.kind === 'text' ? 'text-delta' : 'thinking-delta';
  return [
    { type, id, text: found.text },
    { type: 'block-end', id },
  ];
}
