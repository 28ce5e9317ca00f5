// The baseline: a minimal server that parses the body and writes the same bytes. No
// framework, no store, no checks; one write per event. It understands the same prompts as the demo agent.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import process from 'node:process';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString('utf8')), request, response));
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${server.address().port}\n`);
});

function answer(body, request, response) {
  const prompt = body.messages.at(-1).content;
  const tokens = Math.ceil(prompt.length / 4);
  response.setHeader('request-id', `req_${randomBytes(12).toString('hex')}`);
  response.setHeader('x-chiron-thread-key', request.headers['x-chiron-thread-key'] ?? '');
  response.writeHead(200, HEADERS);
  const say = (event) => response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const text = (words) => say({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: words } });
  const word = (index) => text(`word${index} `);
  const end = () => {
    say({ type: 'content_block_stop', index: 0 });
    say(messageDelta(body.model, tokens));
    say({ type: 'message_stop' });
    response.end();
  };
  say(messageStart(body.model));
  const [command, first, second, third] = prompt.split(' ');
  if (command === '/sleep') {
    const timer = setTimeout(end, Number(first) * 1000);
    response.on('close', () => clearTimeout(timer));
    return;
  }
  say({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } });
  if (command !== '/stream') {
    text(prompt);
    end();
  } else if (Number(second) > 0) {
    paced(Number(first), Number(second), word, end, response);
  } else {
    sliced(Number(first), third === undefined ? Infinity : Number(third), word, end, response);
  }
}

function paced(count, milliseconds, word, end, response) {
  let index = 0;
  const timer = setInterval(() => {
    word(index);
    index += 1;
    if (index < count) return;
    clearInterval(timer);
    end();
  }, milliseconds);
  response.on('close', () => clearInterval(timer));
}

function sliced(count, size, word, end, response) {
  let index = 0;
  const give = () => {
    const stop = Math.min(index + size, count);
    let isOpen = true;
    for (; index < stop; index += 1) isOpen = word(index);
    if (index === count) end();
    else if (isOpen) setImmediate(give);
    else response.once('drain', give);
  };
  setImmediate(give);
}

const CACHE = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 };
const COUNTED = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0, cache_creation: CACHE };
const NOT_COUNTED = { server_tool_use: null, service_tier: 'standard', speed: null, inference_geo: null };

function messageStart(model) {
  const message = {
    id: `msg_${randomBytes(12).toString('hex')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    context_management: null,
    usage: {
      input_tokens: 0,
      output_tokens: 0,
      ...COUNTED,
      cache_creation: null,
      output_tokens_details: null,
      ...NOT_COUNTED,
      iterations: null,
    },
  };
  return { type: 'message_start', message };
}

function messageDelta(model, tokens) {
  const counts = { input_tokens: tokens, output_tokens: 1, ...COUNTED };
  return {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
    usage: {
      ...counts,
      output_tokens_details: { thinking_tokens: 0 },
      ...NOT_COUNTED,
      iterations: [{ type: 'message', model, ...counts }],
    },
    context_management: null,
  };
}
