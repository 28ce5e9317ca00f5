import { readdirSync, readFileSync } from 'node:fs';
import { DIALECT_NAMES, type DialectName } from '../../../config/agent-settings.js';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString, isJsonObject, parseObject } from '../../../domain/json.js';
import { decodeUpdate } from '../decode/decode.js';
import { endAcpTurn } from '../decode/ending.js';
import { type AcpState, type AcpStep, beginAcpTurn, initialAcpState } from '../decode/state.js';
import { toolRequested } from '../decode/tools.js';
import { findDialect } from '../dialects/dialect.js';

const FOLDER = new URL('.', import.meta.url);

/** A line of a recording. */
export interface RecordedLine {
  /** `->` from the host, `<-` from the agent. */
  readonly direction: string;
  readonly at: number;
  readonly message: JsonObject;
}

/** All recordings, as `<agent>/<scene>`. */
export function listRecordings(): readonly string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(new URL(`${name}/`, FOLDER)).map((file) => `${name}/${file.replace('.jsonl', '')}`));
}

export function readLines(recording: string): readonly RecordedLine[] {
  return readFileSync(new URL(`${recording}.jsonl`, FOLDER), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { dir, t, msg } = parseObject(line) ?? {};
      return { direction: asString(dir) ?? '', at: asNumber(t) ?? 0, message: asObject(msg) };
    });
}

export function dialectOf(recording: string): DialectName {
  const agent = recording.split('/')[0] ?? '';
  return DIALECT_NAMES.find((name) => name === agent) ?? 'standard';
}

/** The updates that the agent sent for a load, up to the next prompt. */
export function readReplay(recording: string): readonly JsonObject[] {
  const lines = readLines(recording);
  const from = lines.findIndex(({ message }) => message['method'] === 'session/load');
  const to = lines.findIndex(({ message }) => message['method'] === 'session/prompt');
  return lines.slice(from, to).flatMap(({ message }) => {
    const update = asObject(message['params'])['update'];
    return message['method'] === 'session/update' && isJsonObject(update) ? [update] : [];
  });
}

/** The turn of a prompt. */
export interface RecordedTurn {
  readonly events: readonly HarnessEvent[];
  /** Whether the prompt was answered; otherwise it has no end. */
  readonly isAnswered: boolean;
}

/** The events of each prompt of a recording. */
export function decodeRecording(recording: string): readonly (readonly HarnessEvent[])[] {
  return decodeTurns(recording).map(({ events }) => events);
}

/** The turns of a recording. Of prompts that were sent during another one, those that were answered before it are left out. */
export function decodeTurns(recording: string): readonly RecordedTurn[] {
  const lines = readLines(recording);
  const mcpServers = lines.flatMap(({ message }) =>
    asObjects(asObject(message['params'])['mcpServers']).map(({ name }) => asString(name) ?? ''),
  );
  let state: AcpState = initialAcpState(findDialect(dialectOf(recording)), { model: 'model', mcpServers });
  const turns: { readonly events: HarnessEvent[]; isAnswered: boolean }[] = [];
  /** Ids of prompts that are not answered; only the first one is read. */
  const prompts: number[] = [];
  const cancelled = new Set<number>();
  const take = ([next, events]: AcpStep): void => {
    state = next;
    turns.at(-1)?.events.push(...events);
  };
  const begin = (): void => {
    state = beginAcpTurn(state, 1);
    turns.push({ events: [], isAnswered: false });
  };
  for (const { direction, at, message } of lines) {
    const { id, method, params, result, error } = message;
    const number = asNumber(id) ?? -1;
    if (direction === '->' && method === 'session/prompt') {
      prompts.push(number);
      if (prompts.length === 1) begin();
    } else if (direction === '->' && method === 'session/cancel' && prompts[0] !== undefined) cancelled.add(prompts[0]);
    else if (direction === '<-' && prompts.length > 0) {
      if (method === 'session/update') take(decodeUpdate(state, asObject(asObject(params)['update']), at));
      else if (method === 'session/request_permission') take(toolRequested(state, asObject(asObject(params)['toolCall']), at));
      else if (method === undefined && number === prompts[0]) {
        const { code, message: text, data } = asObject(error);
        const refusal = { code: asNumber(code) ?? 0, message: asString(text) ?? '', data };
        const answer = isJsonObject(error) ? { error: refusal } : { result: asObject(result) };
        take(endAcpTurn(state, { ...answer, isCancelled: cancelled.has(number) }, at));
        const answered = turns.at(-1);
        if (answered !== undefined) answered.isAnswered = true;
        prompts.shift();
        if (prompts.length > 0) begin();
      } else if (method === undefined && prompts.includes(number)) prompts.splice(prompts.indexOf(number), 1);
    }
  }
  return turns;
}
