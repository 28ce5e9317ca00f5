// What real agents talk to in the bench: models of both APIs that call a tool and note when, and an MCP server that answers at once.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../test/clients/node_modules/', import.meta.url));

/** The programs that `npm install --prefix test/clients` brings, by their harness. */
export const PROGRAMS = {
  'claude-code': `${MODULES}@anthropic-ai/claude-code-linux-x64/claude`,
  codex: `${MODULES}@openai/codex/bin/codex.js`,
};

/** Why an agent cannot be measured here; `undefined` when it can. */
export function whyMissing(harness) {
  return existsSync(PROGRAMS[harness])
    ? undefined
    : 'not measured: `npm install --prefix test/clients` brings the agent';
}

/**
 * Starts a model and an MCP server for an agent. The model calls the tool that `model.tool` names, `caller` or `mcp`, for each prompt, and
 * says a word after its result; without a tool it only says the word. `model.called` and `model.asked` are the times of its last byte of a call, and of the
 * request with the result; `model.reached` is that of the newest request for a prompt.
 */
export async function startScriptedAgent(harness) {
  const model = { tool: 'caller', called: 0, asked: 0, reached: undefined };
  let calls = 0;
  const answer = harness === 'codex' ? answerResponses : answerMessages;
  const modelServer = await listen((body, response) => {
    calls += 1;
    if (isTurn(body)) model.reached ??= performance.now();
    const hasResult = harness === 'codex' ? isCodexResult(body) : isClaudeResult(body);
    if (hasResult) model.asked = performance.now();
    answer(response, body, hasResult ? undefined : model.tool, calls);
    response.end(() => {
      if (!hasResult) model.called = performance.now();
    });
  });
  const mcpServer = await listen(answerMcp);
  const folder = mkdtempSync(join(tmpdir(), 'chiron-bench-agent-'));
  const servers = join(folder, 'mcp.json');
  writeFileSync(servers, JSON.stringify({ mcpServers: { bench: { url: `${mcpServer.url}/mcp` } } }));
  const settings = {
    CHIRON_DEFAULT_HARNESS: harness,
    CHIRON_MCP_SERVERS_FILE: servers,
    ...(harness === 'codex' ? codexSettings(folder, modelServer.url) : claudeSettings(modelServer.url)),
  };
  const stop = () => {
    modelServer.close();
    mcpServer.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { model, settings, stop };
}

/** A request beside the conversation, as for a title, has no tools. */
function isTurn({ tools = [] }) {
  return tools.length > 0;
}

function claudeSettings(url) {
  const variables = { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'none', DISABLE_AUTOUPDATER: '1' };
  const names = [...Object.keys(variables), 'IS_SANDBOX'].join();
  return {
    ...variables,
    IS_SANDBOX: '1',
    CHIRON_CLAUDE_BIN: PROGRAMS['claude-code'],
    CHIRON_SANDBOX_PASSTHROUGH_ENV: names,
  };
}

function codexSettings(folder, url) {
  const home = join(folder, 'home');
  mkdirSync(join(home, '.codex'), { recursive: true });
  const provider = ['[model_providers.bench]', 'name = "bench"', `base_url = "${url}/v1"`, 'wire_api = "responses"'];
  writeFileSync(
    join(home, '.codex', 'config.toml'),
    ['model = "gpt-5-codex"', 'model_provider = "bench"', '', ...provider, ''].join('\n'),
  );
  return { CHIRON_CODEX_BIN: PROGRAMS.codex, CHIRON_HOME_TEMPLATE: home, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' };
}

/** A server on a loopback port that answers posts of JSON. */
async function listen(answer) {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString('utf8')), response));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  return (type, fields) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

/** Whether the newest message has the result of a tool. */
function isClaudeResult({ messages = [] }) {
  const blocks = messages.at(-1)?.content ?? [];
  return Array.isArray(blocks) && blocks.some(({ type }) => type === 'tool_result');
}

function answerMessages(response, { tools = [] }, tool, call) {
  const send = events(response);
  const usage = { input_tokens: 100, output_tokens: 5 };
  send('message_start', {
    message: { id: `msg_${call}`, type: 'message', role: 'assistant', model: 'bench', content: [], usage },
  });
  // A side request, as for a title, has no tools.
  const isCall = tool !== undefined && tools.length > 0;
  const name = tool === 'caller' ? 'mcp__caller__probe' : 'mcp__bench__probe';
  const block = isCall ? { type: 'tool_use', id: `toolu_${call}`, name, input: {} } : { type: 'text', text: '' };
  const delta = isCall ? { type: 'input_json_delta', partial_json: '{}' } : { type: 'text_delta', text: 'Done.' };
  send('content_block_start', { index: 0, content_block: block });
  send('content_block_delta', { index: 0, delta });
  send('content_block_stop', { index: 0 });
  send('message_delta', { delta: { stop_reason: isCall ? 'tool_use' : 'end_turn' }, usage });
  send('message_stop', {});
}

function isCodexResult({ input = [] }) {
  return input.at(-1)?.type === 'function_call_output';
}

function answerResponses(response, _body, tool, call) {
  const send = events(response);
  const id = `resp_${call}`;
  send('response.created', { response: { id, status: 'in_progress', output: [] } });
  const namespace = tool === 'caller' ? 'caller' : 'mcp__bench';
  const content = [{ type: 'output_text', text: 'Done.', annotations: [] }];
  const item =
    tool === undefined
      ? { type: 'message', id: `msg_${call}`, role: 'assistant', content }
      : { type: 'function_call', id: `fc_${call}`, call_id: `call_${call}`, name: 'probe', namespace, arguments: '{}' };
  send('response.output_item.added', { output_index: 0, item: { ...item, content: [], arguments: '' } });
  send('response.output_item.done', { output_index: 0, item });
  const usage = { input_tokens: 100, output_tokens: 5, total_tokens: 105 };
  send('response.completed', { response: { id, status: 'completed', output: [], usage } });
}

function answerMcp({ id, method, params }, response) {
  if (id === undefined) return response.writeHead(202).end();
  const results = {
    initialize: {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'bench', version: '1' },
    },
    'tools/list': { tools: [{ name: 'probe', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'probed' }] },
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }));
}
