import type { CallerTool, CallerTools } from '../../../src/domain/caller-tool.js';
import type { HarnessEvent, JsonObject } from '../../../src/domain/harness-event.js';
import { toModelToolName } from '../../../src/harness/claude-code/caller-tools/names.js';
import {
  type Answer,
  answerTo,
  isSideRequest,
  type Part,
  userTexts,
} from '../../support/scripted-model/anthropic-answer.js';
import { startScriptedAnthropicModel } from '../../support/scripted-model/anthropic.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from './json.js';

/** A text of the model's answer. */
export function says(text: string, intervalMilliseconds = 0): Part {
  return { type: 'text', text, intervalMilliseconds };
}

/** A call of one of the agent's own tools. */
export function uses(name: string, input: JsonRecord, id: string): Part {
  return { type: 'tool_use', id, name, input };
}

/** A call of the agent's shell. */
export function runs(command: string, id: string): Part {
  return uses('Bash', { command, description: 'Run a command' }, id);
}

/** A call of a tool of the caller. */
export function asks(name: string, input: JsonRecord, id: string): Part {
  return uses(toModelToolName(name), input, id);
}

/** Starts a model that gives these answers one after the other; a list of parts, or a failure. After the last one it says `PONG`. */
export async function startPlannedModel(answers: readonly (readonly Part[] | Answer)[]): Promise<ScriptedModel> {
  const left = [...answers];
  return startScriptedAnthropicModel((body, call) => {
    if (isSideRequest(body)) return answerTo(body, call);
    const answer = left.shift() ?? [says('PONG')];
    return 'kind' in answer ? answer : { kind: 'parts', parts: answer, afterTools: false };
  });
}

/** The requests of the agent itself, without side requests. */
export function agentRequests(model: ScriptedModel): readonly JsonRecord[] {
  return model.requests.flatMap(({ body }) => (isRecord(body) && !isSideRequest(body) ? [body] : []));
}

/**
 * The conversation in the newest request, one short line for each block: `user: text`, `assistant: text`, `assistant: call id name {input}`,
 * `user: result id text` (`user: error id text`), `user: image`. What Claude Code adds by itself is left out, but for a message of the
 * user that it hands on between tools (`user (between): text`).
 */
export function conversationOf(model: ScriptedModel): readonly string[] {
  const messages = recordsOf(agentRequests(model).at(-1)?.['messages']);
  return messages.flatMap((message) => {
    const role = textOf(message['role']);
    if (role === 'system') return betweenTexts(message);
    if (role === 'user' && typeof message['content'] === 'string')
      return userTexts(message).map((text) => `user: ${text}`);
    if (typeof message['content'] === 'string') return [`${role}: ${message['content']}`];
    return recordsOf(message['content']).flatMap((block) => lineOf(role, block));
  });
}

function betweenTexts(message: JsonRecord): readonly string[] {
  const { content } = message;
  const texts = typeof content === 'string' ? [content] : recordsOf(content).map((block) => textOf(block['text']));
  return texts.flatMap((text) => {
    const heard = /The user sent a new message while you were working:\n([\s\S]*?)\n\nThis is how/.exec(text)?.[1];
    return heard === undefined ? [] : [`user (between): ${heard}`];
  });
}

function lineOf(role: string, block: JsonRecord): readonly string[] {
  switch (block['type']) {
    case 'text':
      return role === 'user'
        ? userTexts({ role, content: [block] }).map((text) => `user: ${text}`)
        : [`${role}: ${textOf(block['text'])}`];
    case 'tool_use':
      return [`${role}: call ${textOf(block['id'])} ${textOf(block['name'])} ${JSON.stringify(block['input'])}`];
    case 'tool_result': {
      const { content } = block;
      const parts =
        typeof content === 'string'
          ? [content]
          : recordsOf(content).map((part) => textOf(part['text']) || textOf(part['type']));
      const kind = block['is_error'] === true ? 'error' : 'result';
      return [`${role}: ${kind} ${textOf(block['tool_use_id'])} ${parts.join(' + ')}`.trim()];
    }
    default:
      return [`${role}: ${textOf(block['type'])}`];
  }
}

/** The caller's tools of these names, which take any object. */
export function toolsOf(
  names: readonly string[],
  more: Partial<CallerTool> = {},
  allowsParallelCalls = true,
): CallerTools {
  const inputSchema: JsonObject = { type: 'object', properties: { q: { type: 'string' } } };
  return {
    tools: names.map((name) => ({
      name,
      description: `Does ${name}.`,
      inputSchema,
      isStrict: false,
      isDeferred: false,
      ...more,
    })),
    allowsParallelCalls,
  };
}

/** The events of a turn that callers see, one short line for each: texts, calls, results and the end. */
export function outlineOf(events: readonly HarnessEvent[]): readonly string[] {
  const lines: string[] = [];
  const texts = new Map<string, string>();
  for (const event of events) {
    switch (event.type) {
      case 'text-delta':
        texts.set(event.id, (texts.get(event.id) ?? '') + event.text);
        break;
      case 'block-end':
        lines.push(`text ${texts.get(event.id) ?? ''}`);
        break;
      case 'tool-call':
        lines.push(`call ${event.id} ${event.server}/${event.name}`);
        break;
      case 'tool-result':
        lines.push(`${event.isError ? 'error' : 'result'} ${event.id} ${firstText(event)}`);
        break;
      case 'caller-tool-call':
        lines.push(`asks ${event.id} ${event.name} ${JSON.stringify(event.input)}`);
        break;
      case 'user-message':
        lines.push(`heard ${event.id}`);
        break;
      case 'turn-end':
        lines.push(`end ${event.reason}`);
        break;
      case 'turn-failed':
        lines.push(`failed ${event.kind}`);
        break;
      default:
    }
  }
  return lines;
}

function firstText({ content }: Extract<HarnessEvent, { readonly type: 'tool-result' }>): string {
  const [first] = content;
  return first?.type === 'text' ? first.text.trim() : (first?.type ?? '');
}
