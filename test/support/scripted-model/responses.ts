import type { ServerResponse } from 'node:http';
import { type ModelCall, sendJson, startModelServer } from './model-server.js';
import { CALL_USAGE, type Piece, piecesOf } from './pieces.js';
import { type Send, sendPiece } from './responses-pieces.js';
import { readConversation, type Conversation } from './responses-request.js';
import { refusalOf, type RecordedRequest, type Scene, type ScriptedModel, sceneOf, type StopScene } from './scene.js';

/** Why an OpenAI response is incomplete that stops so; a refusal is a part of a complete one. */
const CUT_BY: Readonly<Record<StopScene, string | undefined>> = {
  refusal: undefined,
  max_tokens: 'max_output_tokens',
  model_context_window_exceeded: 'max_output_tokens',
};

/**
 * Starts a model that speaks OpenAI's Responses API as server-sent events on a loopback port, for Codex. What it says is
 * chosen by the newest user text, see {@link sceneOf}. `close` drops the connections that are open, hanging ones too.
 */
export function startScriptedResponsesModel(): Promise<ScriptedModel> {
  let calls = 0;
  return startModelServer((call, response, record) => answer(call, response, record, () => (calls += 1)));
}

/** The `config.toml` of a Codex that asks this model and no other, and never tries twice. */
export function codexConfig(model: Pick<ScriptedModel, 'url'>): string {
  return [
    'model = "gpt-5-codex"',
    'model_provider = "scripted"',
    'check_for_update_on_startup = false',
    '',
    '[model_providers.scripted]',
    'name = "scripted"',
    `base_url = "${model.url}/v1"`,
    'wire_api = "responses"',
    'request_max_retries = 0',
    'stream_max_retries = 0',
    '',
  ].join('\n');
}

async function answer(
  { method, path, body, headers }: ModelCall,
  response: ServerResponse,
  record: (request: RecordedRequest) => void,
  nextCall: () => number,
): Promise<void> {
  if (method === 'GET' && path.endsWith('/models')) {
    sendJson(response, 200, { object: 'list', data: [{ id: 'gpt-5-codex', object: 'model', owned_by: 'scripted' }] });
    return;
  }
  if (method === 'GET' && path.endsWith('/responses')) {
    // Codex 0.169.0 tries a WebSocket first when it takes us for OpenAI; after a refusal, it falls back to HTTP at once.
    sendJson(response, 426, { error: { message: 'no WebSocket here', type: 'invalid_request_error', code: null } });
    return;
  }
  if (method !== 'POST' || !path.endsWith('/responses')) {
    sendJson(response, 404, { error: { message: 'not scripted', type: 'not_found_error', code: null, param: null } });
    return;
  }
  const conversation = readConversation(body);
  const { model, system, userText } = conversation;
  record({ model, system, userText, body, headers });
  const refusal = refusalOf(conversation.input);
  if (refusal !== undefined) {
    const { status, ...error } = refusal;
    sendJson(response, status, { error: { ...error, code: null, param: null } });
    return;
  }
  const scene = sceneOf(userText);
  if (scene.kind === 'fail') {
    const error = { message: `scripted ${scene.errorType}`, type: scene.errorType, code: null, param: null };
    sendJson(response, scene.status, { error });
    return;
  }
  await stream(response, scene, conversation, nextCall());
}

async function stream(
  response: ServerResponse,
  scene: Exclude<Scene, { kind: 'fail' }>,
  conversation: Conversation,
  call: number,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send: Send = (type, fields) => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  };
  send('response.created', { response: { id: `resp_${call}`, status: 'in_progress', output: [] } });
  if (scene.kind === 'hang') return;
  const { toolOutputs, said } = conversation;
  // What it said of this answer before its agent died, it does not say again.
  const isSaid = (piece: Piece): boolean => piece.kind === 'text' && said.includes(piece.deltas.join(''));
  const pieces = piecesOf(scene, { toolOutputs, furtherPrompts: 0 }).filter((piece) => !isSaid(piece));
  for (const [index, piece] of pieces.entries()) {
    await sendPiece(send, piece, conversation.shellTool, `s${call}_${index}`, index);
  }
  const common = { id: `resp_${call}`, output: [], usage: usageOf(conversation.toolOutputs) };
  const cut = scene.kind === 'stop' ? CUT_BY[scene.reason] : undefined;
  if (cut === undefined) send('response.completed', { response: { ...common, status: 'completed' } });
  else {
    const details = { incomplete_details: { reason: cut } };
    send('response.incomplete', { response: { ...common, status: 'incomplete', ...details } });
  }
  response.end();
}

function usageOf(toolOutputs: readonly string[]) {
  const usage = toolOutputs.length === 0 ? CALL_USAGE.first : CALL_USAGE.later;
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
