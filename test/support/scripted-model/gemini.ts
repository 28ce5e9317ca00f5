import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { arrayOf, isRecord, type JsonRecord, textOf } from './anthropic-answer.js';
import { sendJson, startModelServer } from './model-server.js';
import { callsOf, isBesideConversation, type OfferedTool, printedBy } from './offered-tools.js';
import { CALL_USAGE, type Piece, piecesOf, SIDE_ANSWER, type Since } from './pieces.js';
import { newestSceneOf, refusalOf, type ScriptedModel, type StopScene, toldOutputs } from './scene.js';

/** Why a candidate ends that stops so. */
const FINISHED_BY: Readonly<Record<StopScene, string>> = {
  refusal: 'SAFETY',
  max_tokens: 'MAX_TOKENS',
  model_context_window_exceeded: 'MAX_TOKENS',
};

/** Google's names of the statuses. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
};

/**
 * Starts a model that speaks Gemini's `generateContent` and `streamGenerateContent`, and plays the scene of the newest user text that holds `SCENE:`.
 * Requests beside the agent's conversation, such as those of Gemini CLI's router, get a small JSON object; they are recorded like the others.
 */
export async function startScriptedGeminiModel(): Promise<ScriptedModel> {
  let calls = 0;
  return startModelServer(async ({ method, path, body, headers }, response, record) => {
    const [, model = '', action = ''] = /\/models\/([^:/]+):(\w+)$/.exec(path) ?? [];
    if (method === 'POST' && action === 'countTokens') {
      sendJson(response, 200, { totalTokens: CALL_USAGE.first.input });
      return;
    }
    const isStreamed = action === 'streamGenerateContent';
    if (method !== 'POST' || !(isStreamed || action === 'generateContent')) {
      sendError(response, 404, 'not scripted');
      return;
    }
    calls += 1;
    const contents = arrayOf(body['contents']).filter(isRecord);
    record({
      model,
      system: textsOf(body['systemInstruction']).join('\n'),
      userText: contents.flatMap(userTextsOf).at(-1) ?? '',
      body,
      headers,
    });
    const refusal = refusalOf(contents);
    if (refusal !== undefined) {
      sendError(response, refusal.status, refusal.message);
      return;
    }
    const tools = toolsOf(body);
    const scene = isBesideConversation(tools, []) ? SIDE_ANSWER : newestSceneOf(contents.flatMap(userTextsOf));
    if (scene.kind === 'fail') {
      sendError(response, scene.status, `scripted ${scene.errorType}`);
      return;
    }
    const common = { modelVersion: model, responseId: `response-${calls}` };
    if (isStreamed) response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (scene.kind === 'hang') return;
    const since = sinceScene(contents);
    const pieces = piecesOf(scene, since);
    const last = {
      finishReason: scene.kind === 'stop' ? FINISHED_BY[scene.reason] : 'STOP',
      usageMetadata: usageOf(since),
    };
    if (!isStreamed) {
      sendJson(response, 200, {
        ...common,
        ...candidate(
          pieces.flatMap((piece) => partsOf(piece, tools, calls)),
          last,
        ),
      });
      return;
    }
    for (const piece of pieces) {
      const waits = piece.kind === 'text' ? piece.intervalMilliseconds : 0;
      for (const part of partsOf(piece, tools, calls)) {
        if (waits > 0) await delay(waits);
        if (response.destroyed) return;
        write(response, { ...common, ...candidate([part]) });
      }
    }
    write(response, { ...common, ...candidate([{ text: '' }], last) });
    response.end();
  });
}

interface Last {
  readonly finishReason: string;
  readonly usageMetadata: JsonRecord;
}

function candidate(parts: readonly JsonRecord[], last?: Last): JsonRecord {
  const content = { role: 'model', parts };
  const finishReason = last === undefined ? {} : { finishReason: last.finishReason };
  const usage = last === undefined ? {} : { usageMetadata: last.usageMetadata };
  return { candidates: [{ index: 0, content, ...finishReason }], ...usage };
}

function partsOf(piece: Piece, tools: readonly OfferedTool[], call: number): readonly JsonRecord[] {
  switch (piece.kind) {
    case 'reasoning':
      return [{ text: piece.text, thought: true }];
    case 'text':
      return piece.deltas.map((text) => ({ text }));
    case 'refusal':
      return [];
    case 'calls':
    case 'use':
      return callsOf([piece], tools).map(({ name, input }, index) => ({
        functionCall: { id: `call_${call}_${index}`, name, args: input },
        // Gemini 3's models demand it back; Gemini CLI warns where it is missing.
        thoughtSignature: 'c2NyaXB0ZWQ=',
      }));
    default: {
      const never: never = piece;
      return never;
    }
  }
}

function usageOf({ toolOutputs }: Since): JsonRecord {
  const usage = toolOutputs.length === 0 ? CALL_USAGE.first : CALL_USAGE.later;
  return {
    promptTokenCount: usage.input,
    cachedContentTokenCount: usage.cached,
    // Google counts the thoughts apart.
    candidatesTokenCount: usage.output - usage.reasoning,
    thoughtsTokenCount: usage.reasoning,
    totalTokenCount: usage.input + usage.output,
  };
}

function sinceScene(contents: readonly JsonRecord[]): Since {
  const prompt = contents.findLastIndex((content) => userTextsOf(content).some((text) => text.includes('SCENE:')));
  const later = contents.slice(prompt + 1);
  const results = later.flatMap(({ parts }) =>
    arrayOf(parts)
      .filter(isRecord)
      .map((part) => part['functionResponse']),
  );
  const outputs = results.filter(isRecord).map(({ response }) => outputOf(response));
  return {
    toolOutputs: [...toldOutputs(userTextsOf(contents[prompt] ?? {}).join('\n')), ...outputs].map(printedBy),
    furtherPrompts: later.filter((content) => userTextsOf(content).length > 0).length,
  };
}

function outputOf(response: unknown): string {
  if (!isRecord(response)) return '';
  return textOf(response['output']) || textOf(response['error']) || JSON.stringify(response);
}

function userTextsOf(content: JsonRecord): readonly string[] {
  return content['role'] === 'user' ? textsOf(content) : [];
}

function textsOf(content: unknown): readonly string[] {
  if (!isRecord(content)) return [];
  const parts = arrayOf(content['parts']).filter(isRecord);
  return parts.map((part) => textOf(part['text'])).filter((text) => text !== '');
}

function toolsOf(body: JsonRecord): readonly OfferedTool[] {
  const declared = arrayOf(body['tools']).flatMap((tool) =>
    isRecord(tool) ? arrayOf(tool['functionDeclarations']) : [],
  );
  return declared.filter(isRecord).map((tool) => {
    const schema = tool['parametersJsonSchema'] ?? tool['parameters'];
    return { name: textOf(tool['name']), schema: isRecord(schema) ? schema : {} };
  });
}

function write(response: ServerResponse, chunk: JsonRecord): void {
  response.write(`data: ${JSON.stringify(chunk)}\r\n\r\n`);
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { code: status, message, status: STATUS_NAMES[status] ?? 'UNAVAILABLE' } });
}
