import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { arrayOf, flatten, isRecord, type JsonRecord, textOf, userTexts } from './anthropic-answer.js';
import { sendJson, startModelServer } from './model-server.js';
import { callsOf, isBesideConversation, type OfferedTool, printedBy, type ScriptedCall } from './offered-tools.js';
import { CALL_USAGE, type Piece, piecesOf, SIDE_ANSWER, type Since } from './pieces.js';
import { newestSceneOf, refusalOf, type Scene, type ScriptedModel, type StopScene, toldOutputs } from './scene.js';

/** Why a completion ends that stops so. */
const FINISHED_BY: Readonly<Record<StopScene, string>> = {
  refusal: 'content_filter',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
};

/**
 * Starts a model that speaks OpenAI's Chat Completions, streaming or not, and plays the scene of the newest user text that holds `SCENE:`. Requests
 * beside the agent's conversation get a small JSON object, and never a scene; they are recorded like the others.
 */
export async function startScriptedChatModel(): Promise<ScriptedModel> {
  let calls = 0;
  return startModelServer(async ({ method, path, body, headers }, response, record) => {
    if (method === 'GET' && path.endsWith('/models')) {
      const data = ['scripted-1', 'scripted-2'].map((id) => ({ id, object: 'model', owned_by: 'scripted' }));
      sendJson(response, 200, { object: 'list', data });
      return;
    }
    if (method !== 'POST' || !path.endsWith('/chat/completions')) {
      sendError(response, 404, 'not_found_error', 'not scripted');
      return;
    }
    calls += 1;
    const messages = arrayOf(body['messages']).filter(isRecord);
    const model = textOf(body['model']);
    record({ model, system: systemOf(messages), userText: messages.flatMap(userTexts).at(-1) ?? '', body, headers });
    const refusal = refusalOf(messages);
    if (refusal !== undefined) {
      sendError(response, refusal.status, refusal.type, refusal.message);
      return;
    }
    const tools = toolsOf(body);
    const newest = messages.findLast(({ role }) => role === 'user') ?? {};
    const isBeside = isBesideConversation(tools, userTexts(newest));
    const scene = isBeside ? SIDE_ANSWER : newestSceneOf(messages.flatMap(userTexts));
    if (scene.kind === 'fail') {
      sendError(response, scene.status, scene.errorType, `scripted ${scene.errorType}`);
      return;
    }
    const answer = new Answer(response, `chatcmpl-${calls}`, model, body);
    if (scene.kind === 'hang') return answer.begin();
    const since = sinceScene(messages);
    const pieces = piecesOf(scene, since);
    await answer.send(pieces, tools, finishOf(scene, pieces), usageOf(since));
  });
}

/** One completion, in chunks or whole. */
class Answer {
  readonly #response: ServerResponse;
  readonly #id: string;
  readonly #common: JsonRecord;
  readonly #isStreamed: boolean;
  readonly #wantsUsage: boolean;

  constructor(response: ServerResponse, id: string, model: string, body: JsonRecord) {
    this.#response = response;
    this.#id = id;
    this.#common = { id, created: 1_790_000_000, model };
    this.#isStreamed = body['stream'] === true;
    const options = body['stream_options'];
    this.#wantsUsage = isRecord(options) && options['include_usage'] === true;
  }

  begin(): void {
    if (!this.#isStreamed) return;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    this.#chunk({ role: 'assistant', content: '' });
  }

  async send(
    pieces: readonly Piece[],
    tools: readonly OfferedTool[],
    finish: string,
    usage: JsonRecord,
  ): Promise<void> {
    const calls = callsOf(pieces, tools).map((call, index) => wireCall(call, `call_${this.#id}_${index}`, index));
    if (!this.#isStreamed) {
      const content = pieces.flatMap((piece) => (piece.kind === 'text' ? piece.deltas : [])).join('');
      const message = { role: 'assistant', content, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
      const choices = [{ index: 0, message, finish_reason: finish }];
      sendJson(this.#response, 200, { ...this.#common, object: 'chat.completion', choices, usage });
      return;
    }
    this.begin();
    for (const piece of pieces) await this.#stream(piece);
    for (const call of calls) {
      const { arguments: input, name } = call.function;
      this.#chunk({ tool_calls: [{ ...call, function: { name, arguments: '' } }] });
      this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: input } }] });
    }
    this.#chunk({}, finish);
    if (this.#wantsUsage) this.#write({ ...this.#common, object: 'chat.completion.chunk', choices: [], usage });
    this.#response.end('data: [DONE]\n\n');
  }

  async #stream(piece: Piece): Promise<void> {
    switch (piece.kind) {
      case 'reasoning':
        this.#chunk({ reasoning_content: piece.text });
        return;
      case 'text':
        for (const delta of piece.deltas) {
          if (piece.intervalMilliseconds > 0) await delay(piece.intervalMilliseconds);
          if (this.#response.destroyed) return;
          this.#chunk({ content: delta });
        }
        return;
      case 'refusal':
        this.#chunk({ refusal: piece.text });
        return;
      case 'calls':
      case 'use':
        return;
      default: {
        const never: never = piece;
        return never;
      }
    }
  }

  #chunk(delta: JsonRecord, finish: string | null = null): void {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    this.#write({ ...this.#common, object: 'chat.completion.chunk', choices });
  }

  #write(chunk: JsonRecord): void {
    this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}

function wireCall({ name, input }: ScriptedCall, id: string, index: number) {
  return { index, id, type: 'function', function: { name, arguments: JSON.stringify(input) } } as const;
}

function finishOf(scene: Scene, pieces: readonly Piece[]): string {
  if (scene.kind === 'stop') return FINISHED_BY[scene.reason];
  return pieces.some(({ kind }) => kind === 'calls' || kind === 'use') ? 'tool_calls' : 'stop';
}

function usageOf({ toolOutputs }: Since): JsonRecord {
  const usage = toolOutputs.length === 0 ? CALL_USAGE.first : CALL_USAGE.later;
  return {
    prompt_tokens: usage.input,
    prompt_tokens_details: { cached_tokens: usage.cached },
    completion_tokens: usage.output,
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

function sinceScene(messages: readonly JsonRecord[]): Since {
  const prompt = messages.findLastIndex((message) => userTexts(message).some((text) => text.includes('SCENE:')));
  const later = messages.slice(prompt + 1);
  const outputs = later.filter(({ role }) => role === 'tool').map(({ content }) => flatten(content));
  return {
    toolOutputs: [...toldOutputs(userTexts(messages[prompt] ?? {}).join('\n')), ...outputs].map(printedBy),
    furtherPrompts: later.filter((message) => userTexts(message).length > 0).length,
  };
}

function systemOf(messages: readonly JsonRecord[]): string {
  const own = messages.filter(({ role }) => role === 'system' || role === 'developer');
  return own.map(({ content }) => flatten(content)).join('\n\n');
}

function toolsOf(body: JsonRecord): readonly OfferedTool[] {
  const functions = arrayOf(body['tools']).map((tool) => (isRecord(tool) ? tool['function'] : undefined));
  return functions.filter(isRecord).map(({ name, parameters }) => ({
    name: textOf(name),
    schema: isRecord(parameters) ? parameters : {},
  }));
}

function sendError(response: ServerResponse, status: number, type: string, message: string): void {
  sendJson(response, status, { error: { message, type, param: null, code: null } });
}
