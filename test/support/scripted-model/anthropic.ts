import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  answerTo,
  arrayOf,
  blockOf,
  FIRST_CALL_USAGE,
  flatten,
  isRecord,
  LATER_CALL_USAGE,
  scriptedOutputTokens,
  textOf,
  userTexts,
} from './anthropic-answer.js';
import type { Answer, JsonRecord, Part } from './anthropic-answer.js';
import { refusalOf, type RecordedRequest, type ScriptedModel } from './scene.js';

/**
 * Starts a model that speaks Anthropic's Messages API, streaming or not, and plays the scene of the newest user text that
 * holds `SCENE:`. Its only tools are Claude Code's `Bash`, and the one for an answer of a schema. Side requests (a wanted output format and no tools, as Claude Code
 * 2.1.330 asks for a title) get a small JSON object and never a scene. Every `POST /v1/messages` is recorded.
 *
 * @param toAnswer answers in the place of the scenes, by the request's body and the number of the call, which counts from 1.
 */
export async function startScriptedAnthropicModel(
  toAnswer: (body: JsonRecord, call: number) => Answer = answerTo,
): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  let calls = 0;
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error('the scripted model failed'));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? '/';
    const body = await readBody(request);
    if (request.method === 'HEAD' || request.method === 'GET') {
      response.writeHead(path === '/' ? 200 : 404).end();
      return;
    }
    if (path === '/v1/messages/count_tokens') {
      writeJson(response, 200, { input_tokens: FIRST_CALL_USAGE.input_tokens });
      return;
    }
    if (path !== '/v1/messages') {
      writeError(response, 404, 'not_found_error');
      return;
    }
    calls += 1;
    requests.push(recordOf(body, request));
    const refusal = refusalOf(body['messages']);
    if (refusal !== undefined) {
      writeError(response, refusal.status, refusal.type, refusal.message);
      return;
    }
    await answerWith(toAnswer(body, calls), response, {
      call: calls,
      model: textOf(body['model']),
      stream: body['stream'] === true,
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('the scripted model has no port');
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Call {
  readonly call: number;
  readonly model: string;
  readonly stream: boolean;
}

async function answerWith(answer: Answer, response: ServerResponse, call: Call): Promise<void> {
  if (answer.kind === 'fail') {
    writeError(response, answer.status, answer.errorType);
    return;
  }
  const parts = answer.kind === 'parts' ? answer.parts : [];
  const start = answer.kind === 'parts' && answer.afterTools ? LATER_CALL_USAGE : FIRST_CALL_USAGE;
  const message = {
    id: `msg_01scripted${call.call}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    stop_sequence: null,
  };
  const called = parts.some((part) => part.type === 'tool_use');
  const own = { stop_reason: called ? 'tool_use' : 'end_turn', stop_details: null };
  const stop = answer.kind === 'parts' ? (answer.stop ?? own) : own;
  const outputTokens = scriptedOutputTokens(
    parts.map((part) => (part.type === 'text' ? part.text : JSON.stringify(part.input))).join(''),
  );
  if (!call.stream) {
    if (answer.kind === 'parts') {
      const usage = { ...start, output_tokens: outputTokens };
      writeJson(response, 200, { ...message, content: parts.map(blockOf), ...stop, usage });
    }
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const startUsage = { ...start, output_tokens: 1 };
  writeEvent(response, {
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: startUsage },
  });
  for (const [index, part] of parts.entries()) {
    await streamPart(response, part, index);
  }
  if (answer.kind === 'hang') {
    return;
  }
  const delta = { ...stop, stop_sequence: null };
  writeEvent(response, { type: 'message_delta', delta, usage: { output_tokens: outputTokens } });
  writeEvent(response, { type: 'message_stop' });
  response.end();
}

async function streamPart(response: ServerResponse, part: Part, index: number): Promise<void> {
  const empty = part.type === 'text' ? { type: 'text', text: '' } : { ...blockOf(part), input: {} };
  writeEvent(response, { type: 'content_block_start', index, content_block: empty });
  const chunks = part.type === 'text' ? (part.text.match(/\S*\s*/g) ?? []) : [JSON.stringify(part.input)];
  for (const chunk of chunks.filter((text) => text !== '')) {
    if (part.type === 'text' && part.intervalMilliseconds > 0) {
      await delay(part.intervalMilliseconds);
    }
    if (response.destroyed) {
      return;
    }
    const delta =
      part.type === 'text' ? { type: 'text_delta', text: chunk } : { type: 'input_json_delta', partial_json: chunk };
    writeEvent(response, { type: 'content_block_delta', index, delta });
  }
  writeEvent(response, { type: 'content_block_stop', index });
}

function recordOf(body: JsonRecord, request: IncomingMessage): RecordedRequest {
  return {
    model: textOf(body['model']),
    system: flatten(body['system']),
    userText: arrayOf(body['messages']).filter(isRecord).flatMap(userTexts).at(-1) ?? '',
    body,
    headers: request.headers,
  };
}

async function readBody(request: IncomingMessage): Promise<JsonRecord> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) {
    if (chunk instanceof Uint8Array) {
      chunks.push(chunk);
    }
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const body: unknown = text === '' ? {} : JSON.parse(text);
  return isRecord(body) ? body : {};
}

function writeEvent(response: ServerResponse, event: JsonRecord & { readonly type: string }): void {
  response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function writeJson(response: ServerResponse, status: number, body: JsonRecord): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function writeError(
  response: ServerResponse,
  status: number,
  errorType: string,
  message = `scripted ${errorType}`,
): void {
  const error = { type: errorType, message };
  writeJson(response, status, { type: 'error', error, request_id: 'req_01scripted' });
}
