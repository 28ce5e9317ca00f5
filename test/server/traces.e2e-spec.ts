// Over 250 lines because every span is compared whole, from requests of both APIs to resumed turns.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { eventually } from '../support/eventually.js';
import { type OtlpCollector, type ReceivedSpan, startOtlpCollector } from '../support/otlp-collector.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { newFolder, removeFolder, startMain } from '../support/start-main.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

const TOOL_CALL: HarnessEvent = {
  type: 'tool-call',
  id: 'call_1',
  name: 'bash',
  server: 'agent',
  input: { command: 'cat secret-argument' },
};
const TOOL_RESULT: HarnessEvent = {
  type: 'tool-result',
  id: 'call_1',
  content: [{ type: 'text', text: 'secret-result' }],
  isError: false,
};

let collector: OtlpCollector;
let app: TestApp;

beforeEach(async () => {
  collector = await startOtlpCollector();
});

afterEach(() => collector.close());

async function start(settings: TestSettings = {}): Promise<void> {
  app = await startTestApp({ otlpEndpoint: collector.endpoint, ...settings });
  app.harness.onRun = (run) => {
    run.say(TOOL_CALL);
    run.say(TOOL_RESULT);
    run.answer('secret-answer');
  };
}

const post = (headers: Readonly<Record<string, string>> = { traceparent: TRACEPARENT }, prompt = 'secret-prompt') =>
  supertest(app.url).post('/v1/messages').set(headers).send(ask(prompt));

/** The spans of a server that has stopped: it sends what is left. */
async function spansAfterStop(options?: { readonly keepData: boolean }): Promise<readonly ReceivedSpan[]> {
  await app.close(options);
  return collector.spans();
}

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const [found, ...others] = spans.filter((span) => span.name === name);
  if (found === undefined || others.length > 0) {
    throw new Error(`not one span ${name}: ${spans.map((span) => span.name).join(', ')}`);
  }
  return found;
};

describe('the trace of a request', () => {
  it("continues the caller's, from the request to the turn, the start of the agent and its tools", async () => {
    await start();
    const { headers } = await post().expect(200);
    const spans = await spansAfterStop();
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([CALLER.traceId]));
    const request = named(spans, 'POST /v1/messages');
    const turn = named(spans, 'invoke_agent claude-code');
    const begin = named(spans, 'start_agent claude-code');
    const tool = named(spans, 'execute_tool bash');
    expect([request, turn, begin, tool].map(({ parentSpanId }) => parentSpanId)).toEqual([
      CALLER.spanId,
      request.spanId,
      turn.spanId,
      turn.spanId,
    ]);
    expect(request).toMatchObject({
      kind: 2,
      hasFailed: false,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/messages',
        'http.response.status_code': 200,
        'chiron.request.id': headers['request-id'],
        'chiron.tenant': 'local',
        'chiron.turn.id': turn.attributes['chiron.turn.id'],
        'gen_ai.conversation.id': turn.attributes['gen_ai.conversation.id'],
      },
    });
    expect(turn).toMatchObject({
      kind: 1,
      hasFailed: false,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.agent.name': 'claude-code',
        'gen_ai.usage.input_tokens': expect.any(Number) as number,
        'gen_ai.usage.output_tokens': expect.any(Number) as number,
        'gen_ai.response.finish_reasons': { values: [{ stringValue: 'end_turn' }] },
      },
    });
    expect(tool.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'bash',
      'gen_ai.tool.call.id': 'call_1',
    });
    expect(turn.startNs <= tool.startNs && tool.endNs <= turn.endNs).toBe(true);
    expect(collector.resources()[0]).toMatchObject({ 'service.name': 'chiron' });
  });

  it('has the calls of the model, each from when the agent had all that it is about', async () => {
    await start();
    app.harness.onRun = (run) => {
      for (const event of modelCall([TOOL_CALL])) run.say(event);
      run.say(TOOL_RESULT);
      run.end(...modelCall(textBlock('done')));
    };
    await post().expect(200);
    const spans = await spansAfterStop();
    const turn = named(spans, 'invoke_agent claude-code');
    const [first, second, ...others] = spans.filter(({ name }) => name === 'chat scripted');
    if (first === undefined || second === undefined) throw new Error('not two calls');
    expect(others).toEqual([]);
    for (const call of [first, second]) {
      expect(call).toMatchObject({
        parentSpanId: turn.spanId,
        kind: 3,
        hasFailed: false,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'anthropic',
          'gen_ai.request.model': 'scripted',
          'gen_ai.response.model': 'scripted',
          'gen_ai.usage.output_tokens': CALL_USAGE.outputTokens,
        },
      });
    }
    const tool = named(spans, 'execute_tool bash');
    // The starts and ends of calls are given in milliseconds.
    const ms = (ns: bigint): bigint => ns / 1_000_000n;
    expect(ms(first.startNs) <= ms(tool.startNs) && ms(tool.endNs) <= ms(second.endNs)).toBe(true);
    expect(ms(second.startNs) >= ms(first.endNs)).toBe(true);
  });

  it('fails a call of the model that the end of its turn cuts off', async () => {
    await start();
    app.harness.onRun = (run) => {
      const [begin] = modelCall([]);
      if (begin !== undefined) run.say(begin);
      run.fail('overloaded');
    };
    await post().expect(529);
    const call = named(await spansAfterStop(), 'chat scripted');
    expect(call).toMatchObject({ hasFailed: true, attributes: { 'error.type': 'overloaded' } });
  });

  it('has nothing of what was said', async () => {
    await start();
    await post().expect(200);
    const text = JSON.stringify((await spansAfterStop()).map(({ name, attributes }) => [name, attributes]));
    expect(text).toContain('execute_tool');
    expect(text).not.toContain('secret');
  });

  it('has what was said if the deployment wants it', async () => {
    await start({ capturesContent: 'true' });
    await post().expect(200);
    const spans = await spansAfterStop();
    const turn = named(spans, 'invoke_agent claude-code').attributes;
    expect(JSON.parse(String(turn['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'secret-prompt' }] },
    ]);
    expect(JSON.parse(String(turn['gen_ai.output.messages']))).toMatchObject([
      { role: 'assistant', parts: [{ type: 'text', content: 'secret-answer' }], finish_reason: 'end_turn' },
    ]);
    expect(named(spans, 'execute_tool bash').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"command":"cat secret-argument"}',
      'gen_ai.tool.call.result': 'secret-result',
    });
  });

  it('begins here for a caller without one, and is not recorded where the caller does not record its own', async () => {
    await start();
    await post({}, 'one').expect(200);
    await post({ traceparent: 'nonsense' }, 'two').expect(200);
    await post({ traceparent: TRACEPARENT.replace(/01$/, '00') }, 'three').expect(200);
    const spans = await spansAfterStop();
    const requests = spans.filter(({ kind }) => kind === 2);
    expect(requests.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, undefined]);
    expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(2);
    expect(spans.map(({ traceId }) => traceId)).not.toContain(CALLER.traceId);
  });

  it('is of a session as well', async () => {
    await start();
    const send = (path: string, body: object) =>
      supertest(app.url).post(`/api/session/test:traced${path}`).set('traceparent', TRACEPARENT).send(body).expect(200);
    await send('', { harness_type: 'claudecode' });
    const line = JSON.stringify({ type: 'user', message: { content: [{ type: 'text', text: 'hi' }] } });
    await send('/execute', { idempotency_key: 'one', input_lines: [line] });
    await app.harness.run('hi');
    await eventually(() => app.count('turn_events')).toBeGreaterThan(0);
    const spans = await spansAfterStop();
    const request = named(spans, 'POST /api/session/:threadKey/execute');
    expect(named(spans, 'invoke_agent claude-code').parentSpanId).toBe(request.spanId);
  });

  it('says how a turn, a tool or a request has failed', async () => {
    await start();
    app.harness.onRun = (run) => {
      run.say(TOOL_CALL, { ...TOOL_RESULT, isError: true });
      run.fail('overloaded');
    };
    await post().expect(529);
    const spans = await spansAfterStop();
    for (const [name, type] of [
      ['POST /v1/messages', '529'],
      ['invoke_agent claude-code', 'overloaded'],
      ['execute_tool bash', 'tool_error'],
    ] as const) {
      expect(named(spans, name)).toMatchObject({ hasFailed: true, attributes: { 'error.type': type } });
    }
  });

  it('goes on in the server that resumes the turn', async () => {
    await start();
    app.harness.onRun = (run) => run.say(TOOL_CALL);
    const cut = post({ traceparent: TRACEPARENT, ...thread('resumed') }).then(
      () => 'answered',
      () => 'cut',
    );
    await app.harness.run('secret-prompt');
    const { dataDirectory } = app;
    const before = await spansAfterStop({ keepData: true });
    await cut;
    expect(named(before, 'invoke_agent claude-code').attributes).toMatchObject({ 'chiron.turn.handed_off': true });
    await start({ dataDirectory });
    app.harness.onRun = (run) => run.end(...modelCall(textBlock('resumed')));
    await app.harness.run('secret-prompt');
    const all = await spansAfterStop();
    const turns = all.filter(({ name }) => name === 'invoke_agent claude-code');
    const request = named(all, 'POST /v1/messages');
    expect(turns.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
      [CALLER.traceId, request.spanId],
      [CALLER.traceId, request.spanId],
    ]);
  });

  it('has no spans of probes', async () => {
    await start();
    for (const path of ['/healthz', '/readyz', '/']) await supertest(app.url).get(path).expect(200);
    await supertest(app.url).get('/v1/models').expect(200);
    expect((await spansAfterStop()).map(({ name }) => name)).toEqual(['GET /v1/models']);
  });

  it('does not keep a server from working and stopping while the collector is away', async () => {
    await start();
    await collector.close();
    await post().expect(200);
    await app.close();
    collector = await startOtlpCollector();
  });
});

/** Tells of each module of OpenTelemetry in the files that are loaded, but the API, which `prom-client` loads for itself. */
const HOOK = `import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    const map = new URL(url + '.map');
    const sources = map.protocol === 'file:' && existsSync(map) ? readFileSync(map, 'utf8') : '';
    const names = sources.matchAll(/node_modules\\/(@opentelemetry\\/(?!api\\/)[\\w-]+)/g);
    for (const [, name] of names) process.stderr.write('loaded ' + name + '\\n');
    return next(url, context);
  },
});`;

describe('a server in a process of its own', () => {
  let folder: string;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => removeFolder(folder));

  const run = async (environment: Readonly<Record<string, string>>): Promise<string> => {
    writeFileSync(join(folder, 'hook.mjs'), HOOK);
    const server = await startMain({
      cwd: folder,
      environment: { CHIRON_DEFAULT_HARNESS: 'demo', ...environment },
      nodeOptions: ['--import', join(folder, 'hook.mjs')],
    });
    await supertest(server.url ?? '')
      .post('/v1/messages')
      .set('traceparent', TRACEPARENT)
      .send(ask('!echo hi'));
    await eventually(server.output).toContain('a turn has ended');
    server.signal('SIGTERM');
    expect(await server.exit).toBe(0);
    return server.output();
  };

  it('loads nothing of OpenTelemetry without a collector', async () => {
    expect(await run({})).not.toContain('loaded @opentelemetry');
  });

  it('has the id of the trace in the lines of the request and the turn', async () => {
    const output = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_SERVICE_NAME: 'agents' });
    expect(output).toContain('loaded @opentelemetry/sdk-trace');
    const lines = output
      .split('\n')
      .filter((line) => line.includes('a turn has ended') || line.includes('"/v1/messages"'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(lines.map(({ traceId }) => traceId)).toEqual([CALLER.traceId, CALLER.traceId]);
    expect(collector.spans().map(({ name }) => name)).toContain('invoke_agent demo');
    expect(collector.resources()[0]).toMatchObject({ 'service.name': 'agents' });
  });
});
