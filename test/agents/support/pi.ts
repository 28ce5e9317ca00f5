import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../../clients/support/folders.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from '../../clients/support/json.js';
import type { Rig } from '../../clients/support/rig.js';
import { startServer } from '../../support/running-server.js';
import { startScriptedAnthropicModel } from '../../support/scripted-model/anthropic.js';
import { type Answer, answerTo } from '../../support/scripted-model/anthropic-answer.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { rigOf } from './rig.js';

/** The program of pi, as npm installs it beside these tests. */
export const PI = fileURLToPath(new URL('../node_modules/.bin/pi', import.meta.url));

/** Why pi cannot be run here; `undefined` where it can. */
export const PI_MISSING = existsSync(PI) ? undefined : `npm did not install ${PI}`;

/** A model of the Messages API that calls the shell by the name that it has in pi. */
export function startPiModel(toAnswer: (body: JsonRecord, call: number) => Answer = answerTo): Promise<ScriptedModel> {
  return startScriptedAnthropicModel((body, call) => {
    const answer = toAnswer(body, call);
    if (answer.kind !== 'parts') return answer;
    const parts = answer.parts.map((part) =>
      part.type === 'tool_use' && part.name === 'Bash' ? { ...part, name: 'bash' } : part,
    );
    return { ...answer, parts };
  });
}

/** Starts Chiron with pi in front of a scripted model. `environment` is added to the server's. */
export async function startPiRig(environment: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const model = await startPiModel();
  const variables = {
    CHIRON_DEFAULT_HARNESS: 'pi',
    CHIRON_PI_BIN: PI,
    CHIRON_DATA_DIR: await newFolder('data'),
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'a-key-of-the-server',
    CHIRON_SANDBOX_PASSTHROUGH_ENV: 'ANTHROPIC_BASE_URL,ANTHROPIC_API_KEY',
    // Pi needs a Node of its age: this one.
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    ...environment,
  };
  try {
    return rigOf(await startServer(variables), model, variables);
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** What a caller of the Messages API gets of pi. */
export interface PiAnswer {
  readonly status: number;
  readonly blocks: readonly JsonRecord[];
  /** The texts, one after the other. */
  readonly text: string;
  readonly stopReason: string;
  readonly usage: JsonRecord;
  /** The type of the error; empty for a message. */
  readonly errorType: string;
}

/** Asks pi in a thread; `more` is added to the request, and `headers` to its headers. */
export async function askPi(
  { server }: Pick<Rig, 'server'>,
  thread: string,
  content: string | readonly object[],
  more: JsonRecord = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<PiAnswer> {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': `pi:${thread}`, ...headers },
    body: JSON.stringify({ model: 'default', max_tokens: 1000, messages: [{ role: 'user', content }], ...more }),
  });
  const body: unknown = await response.json();
  if (!isRecord(body)) throw new Error('no JSON object');
  const blocks = recordsOf(body['content']);
  return {
    status: response.status,
    blocks,
    text: blocks
      .filter(({ type }) => type === 'text')
      .map(({ text }) => textOf(text))
      .join(''),
    stopReason: textOf(body['stop_reason']),
    usage: isRecord(body['usage']) ? body['usage'] : {},
    errorType: isRecord(body['error']) ? textOf(body['error']['type']) : '',
  };
}

/** What the tools of an answer gave back, joined. */
export function toolOutputsOf(blocks: readonly JsonRecord[]): string {
  return blocks
    .filter(({ type }) => type === 'mcp_tool_result')
    .flatMap(({ content }) => recordsOf(content))
    .map(({ text }) => textOf(text))
    .join('\n');
}

/** One thread as clients of the session API see it. */
export function piSession({ server }: Pick<Rig, 'server'>, thread: string) {
  const url = `${server.url}/api/session/${encodeURIComponent(`pi:${thread}`)}`;
  const call = async (rest: string, body?: object): Promise<JsonRecord> => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${rest}`, body === undefined ? {} : post);
    const answer: unknown = await response.json();
    if (!response.ok || !isRecord(answer)) throw new Error(`${rest}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const newest = async (): Promise<JsonRecord> => recordsOf((await call(''))['turns'])[0] ?? {};
  return {
    /** Makes the thread. */
    create: async (): Promise<void> => void (await call('', { harness_type: 'pi' })),
    /** Starts a turn, and resolves with its execution id. */
    execute: async (text: string): Promise<string> =>
      textOf((await call('/execute', { input_lines: [text] }))['execution_id']),
    interrupt: async (): Promise<void> => void (await call('/interrupt', {})),
    /** Hands the running turn a further message. */
    post: (path: string, body: object): Promise<JsonRecord> => call(path, body),
    /** All events of a turn, once it is over. */
    events: async (executionId: string): Promise<string> =>
      (await fetch(`${url}/events?execution_id=${executionId}`)).text(),
    newest,
    /** The content blocks of the newest message of pi. */
    blocks: async (): Promise<readonly JsonRecord[]> => {
      const { message } = await call(`/turns/${textOf((await newest())['execution_id'])}`);
      return isRecord(message) ? recordsOf(message['content']) : [];
    },
  };
}
