// A program on a client that was generated into `./client`: it calls every operation, and prints what came of each as JSON.
import { client } from './client/client.gen.js';
import * as api from './client/sdk.gen.js';
import type { ContentBlock, CreateMessageDto, MessageStreamEvent, SessionStreamEvent } from './client/types.gen.js';

const [baseUrl = '', key = ''] = process.argv.slice(2);
client.setConfig({ baseUrl, auth: key, throwOnError: true });

const throwOnError = true;
const body: CreateMessageDto = {
  model: 'demo',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Which files are here?' }],
};

const textOf = (content: readonly ContentBlock[]): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

async function messages() {
  const whole = await api.createMessage({ throwOnError, body, headers: { 'x-chiron-thread-key': 'test:whole' } });
  const { stream } = await client.sse.post<{ 200: MessageStreamEvent }>({
    url: '/v1/messages',
    security: [{ scheme: 'bearer', type: 'http' }],
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': 'test:streamed' },
    body: { ...body, stream: true } satisfies CreateMessageDto,
    sseMaxRetryAttempts: 1,
  });
  let streamed = '';
  let stopReason: string | null = null;
  for await (const event of stream) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') streamed += event.delta.text;
    if (event.type === 'message_delta') stopReason = event.delta.stop_reason;
  }
  const counted = await api.countTokens({ throwOnError, body: { model: body.model, messages: body.messages } });
  const late = await api.cancelMessage({ throwOnError, path: { messageId: whole.data.id } });
  return {
    answer: textOf(whole.data.content),
    tokens: whole.data.usage.output_tokens,
    streamed,
    stopReason,
    counted: counted.data.input_tokens,
    cancelled: late.data.cancelled,
  };
}

async function models() {
  const page = await api.listModels({ throwOnError, query: { limit: 1 } });
  const id = page.data.data[0]?.id ?? '';
  const model = await api.getModel({ throwOnError, path: { id } });
  return { id, created: model.data.created_at, thinks: model.data.capabilities.thinking.supported };
}

async function session() {
  const path = { threadKey: 'test:session' };
  const created = await api.createSession({ throwOnError, path, body: { harness_type: 'demo' } });
  const parts = [{ type: 'text', text: 'Say something.' }];
  const appended = await api.appendMessages({ throwOnError, path, body: { messages: [{ role: 'user', parts }] } });
  const executed = await api.executeSession({ throwOnError, path, body: { input_lines: [] } });
  const { execution_id } = executed.data;
  // The generator takes the body of an event stream for its events, which it parses.
  const { stream }: { readonly stream: AsyncIterable<unknown> } = await api.readEvents({
    path,
    query: { execution_id },
    sseMaxRetryAttempts: 1,
  });
  let events = 0;
  let result: string | null = null;
  for await (const event of stream) {
    events += 1;
    const data = event as SessionStreamEvent;
    if ('result_text' in data) result = data.result_text;
  }
  const turn = await api.getTurn({ throwOnError, path: { ...path, turnId: execution_id } });
  const seen = await api.getSession({ throwOnError, path });
  const listed = await api.listSessions({ throwOnError, query: { limit: 1 } });
  const interruption = await api.interruptSession({ throwOnError, path });
  const deleted = await api.deleteSession({ throwOnError, path });
  return {
    harness: created.data.harness_type,
    appended: appended.data.message_ids.length,
    hasEvents: events > 3,
    result,
    answer: turn.data.message === null ? null : textOf(turn.data.message.content),
    turns: seen.data.turns.map(({ status }) => status),
    listed: listed.data.sessions.map(({ thread_key }) => thread_key),
    interrupted: interruption.data.interrupted,
    deleted: deleted.data.deleted,
  };
}

async function operations() {
  const info = await api.getServerInfo({ throwOnError });
  const hello = await api.hello({ throwOnError });
  const answers = await Promise.all([api.getLiveness(), api.getHealth(), api.getReadiness()]);
  return { name: info.data.name, hello: hello.response.status, ok: answers.map(({ data }) => data?.ok) };
}

async function errors() {
  const noModel = await api.getModel({ throwOnError: false, path: { id: 'nobody' } });
  const noSession = await api.getSession({ throwOnError: false, path: { threadKey: 'test:nobody' } });
  const noKey = await api.listModels({ throwOnError: false, auth: 'wrong' });
  return [
    'error' in noModel && noModel.error !== undefined && 'type' in noModel.error ? noModel.error.error.type : '',
    'error' in noSession && noSession.error !== undefined && 'ok' in noSession.error ? noSession.error.ok : '',
    noKey.response?.status,
  ];
}

const report = {
  methods: Object.keys(api),
  messages: await messages(),
  models: await models(),
  session: await session(),
  operations: await operations(),
  errors: await errors(),
};
process.stdout.write(JSON.stringify(report));
