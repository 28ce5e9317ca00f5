import { isRecord, type JsonRecord, recordsOf, textOf } from '../../clients/support/json.js';
import type { Rig } from '../../clients/support/rig.js';

/** One thread, as clients of the session API see it. */
export interface AgentSession {
  /** Makes the thread, where no request of another API has made it. */
  create(harness: string): Promise<void>;
  /** Starts a turn, and resolves with its execution id. */
  execute(text: string): Promise<string>;
  /** All events of a turn, once it is over. */
  events(executionId: string): Promise<string>;
  interrupt(): Promise<void>;
  /** Hands the running turn a further message. */
  append(text: string): Promise<void>;
  /** Its turns, newest first. */
  turns(): Promise<readonly JsonRecord[]>;
  /** The content blocks of the newest message of the agent. */
  newestBlocks(): Promise<readonly JsonRecord[]>;
}

/** The session of a thread; `name` is that of {@link askAgent}'s threads. */
export function sessionOf({ server }: Pick<Rig, 'server'>, name: string): AgentSession {
  const url = `${server.url}/api/session/${encodeURIComponent(`agents:${name}`)}`;
  const call = async (rest: string, body?: object): Promise<JsonRecord> => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${rest}`, body === undefined ? {} : post);
    const answer: unknown = await response.json();
    if (!response.ok || !isRecord(answer)) throw new Error(`${rest}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    create: async (harness) => void (await call('', { harness_type: harness })),
    execute: async (text) => textOf((await call('/execute', { input_lines: [text] }))['execution_id']),
    events: async (executionId) => (await fetch(`${url}/events?execution_id=${executionId}`)).text(),
    interrupt: async () => void (await call('/interrupt', {})),
    append: async (text) => {
      await call('/messages', { messages: [{ role: 'user', parts: [{ type: 'text', text }] }] });
    },
    turns: async () => recordsOf((await call(''))['turns']),
    newestBlocks: async () => {
      const [turn] = recordsOf((await call(''))['turns']);
      const { message } = await call(`/turns/${textOf(turn?.['execution_id'])}`);
      return isRecord(message) ? recordsOf(message['content']) : [];
    },
  };
}
