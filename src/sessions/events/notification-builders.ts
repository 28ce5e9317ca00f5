import type { JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';

/** The fields of a turn that its lines include. */
export interface LineTurn {
  readonly threadId: string;
  readonly turnId: string;
  /** Number of the turn within its thread, from 1. */
  readonly sequence: number;
  readonly model: string;
  readonly prompt: Prompt;
  /** What is not done as the user asked, in sentences. */
  readonly warnings: readonly string[];
  /** Milliseconds since the epoch. Lines have the turn's time unless the log has that of their event. */
  readonly startedAt: number;
}

/** A text or reasoning item that has started and not completed. */
export interface OpenItem {
  readonly kind: 'agentMessage' | 'reasoning';
  readonly id: string;
  readonly text: string;
}

/** The line with the usage of a model call. Codex counts cached tokens as input tokens. */
export function tokenUsage(turn: LineTurn, total: TokenUsage, last: TokenUsage): JsonObject {
  const counts = (usage: TokenUsage): JsonObject => {
    const inputTokens = usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens;
    return {
      totalTokens: inputTokens + usage.outputTokens,
      inputTokens,
      cachedInputTokens: usage.cacheReadInputTokens,
      cacheWriteInputTokens: usage.cacheCreationInputTokens,
      outputTokens: usage.outputTokens,
      reasoningOutputTokens: usage.thinkingTokens,
    };
  };
  const usage = { total: counts(total), last: counts(last), modelContextWindow: null };
  return rpcNotification('thread/tokenUsage/updated', { ...notificationIds(turn), tokenUsage: usage });
}

/** A text or reasoning item, as far as it was emitted. */
export function itemPayload(item: OpenItem): JsonObject {
  return item.kind === 'agentMessage'
    ? // The phase is known only from later events, after this item was sent.
      { type: 'agentMessage', id: item.id, text: item.text, phase: null, memoryCitation: null }
    : { type: 'reasoning', id: item.id, summary: [], content: item.text === '' ? [] : [item.text] };
}

/** The line that opens a thread. */
export function threadStarted(turn: LineTurn): JsonObject {
  const thread = { id: turn.threadId, sessionId: turn.threadId, model: turn.model, preview: '', turns: [] };
  return rpcNotification('thread/started', { thread });
}

/** The `turn` of a line. */
export function turnPayload(turn: LineTurn, status: string, error: JsonObject | null): JsonObject {
  const startedAt = Math.floor(turn.startedAt / 1000);
  return {
    id: turn.turnId,
    items: [],
    itemsView: 'full',
    status,
    error,
    startedAt,
    completedAt: null,
    durationMs: null,
  };
}

/** The line that starts an item, at a time or else at that of the turn. */
export function itemStarted(turn: LineTurn, item: JsonObject, at = turn.startedAt): JsonObject {
  return rpcNotification('item/started', { item, ...notificationIds(turn), startedAtMs: at });
}

/** The line that completes an item, at a time or else at that of the turn. */
export function itemCompleted(turn: LineTurn, item: JsonObject, at = turn.startedAt): JsonObject {
  return rpcNotification('item/completed', { item, ...notificationIds(turn), completedAtMs: at });
}

/** The ids in the parameters of nearly every line. */
export function notificationIds(turn: LineTurn): { readonly threadId: string; readonly turnId: string } {
  return { threadId: turn.threadId, turnId: turn.turnId };
}

/** A notification in Codex's form: without `jsonrpc` and `id`. */
export function rpcNotification(method: string, params: JsonObject): JsonObject {
  return { method, params };
}
