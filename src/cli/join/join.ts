import { randomUUID } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { toConversation } from './conversation.js';
import { findClientProgram } from './find-client-program.js';
import { claudeCodeJoin } from './join-claude-code.js';
import type { JoinClient, JoinPlan } from './join-client.js';
import { codexJoin } from './join-codex.js';
import { JoinError } from './join-error.js';
import { findServer } from './server-address.js';
import { renderLine } from './shell-line.js';
import { startClient } from './start-client.js';
import { type ReadThread, ThreadReader } from './thread-reader.js';

/** The options of the command. */
export interface JoinOptions {
  readonly url?: string;
  readonly key?: string;
  readonly client?: string;
  readonly wait?: boolean;
  /** Prints the line that starts the client, and nothing else. */
  readonly print?: boolean;
  /** False to write the conversation and say how to start. */
  readonly start?: boolean;
}

const CLIENTS: readonly JoinClient[] = [claudeCodeJoin, codexJoin];

/**
 * Goes on with a thread in a client on this machine: writes the conversation as the client's own transcript, and starts the client. Resolves with
 * the exit code, which is that of the client if it was started.
 *
 * @throws JoinError with a sentence for the user; nothing is written then.
 */
export async function joinThread(key: string, options: JoinOptions): Promise<number> {
  const server = findServer(options, process.env);
  const reader = new ThreadReader(server);
  const waits = (): void => tell('A turn of the thread is running. Waiting for its end …');
  const thread = await reader.read(key, options.wait === true ? waits : undefined);
  const client = await chooseClient(options.client, thread);
  const turns = toConversation(thread.turns);
  const [first, last] = [turns[0], turns.at(-1)];
  const plan = client.plan(
    {
      ...thread,
      server,
      turns,
      known: first === undefined || last === undefined ? undefined : { first: first.sequence, last: last.sequence },
      note: describeThread(thread, turns.length),
      codexModels: client === codexJoin ? await reader.find('/codex/models.json') : undefined,
    },
    { cwd: await realpath(process.cwd()), home: homedir(), env: process.env, now: new Date(), sessionId: randomUUID() },
  );
  await writeFiles(plan);
  const line = renderLine(plan.start, process.cwd(), server.keyVariable);
  const isStarted = options.print !== true && options.start !== false;
  if (!isStarted && server.key !== undefined && process.env[server.keyVariable] !== server.key)
    tell(`Set ${server.keyVariable} to the key before you run the line, which does not have the key.`);
  if (options.print === true) {
    process.stdout.write(`${line}\n`);
    return 0;
  }
  tell(describeThread(thread, turns.length));
  if (options.start === false) {
    const written = plan.transcript === undefined ? '' : `The conversation is in ${plan.transcript}\n`;
    process.stdout.write(`${written}Start ${client.displayName} with:\n\n${line}\n`);
    return 0;
  }
  return startClient(plan.start);
}

/** By the option, else the client of the thread's own agent, else whichever is installed. */
async function chooseClient(wanted: string | undefined, { harnessType }: ReadThread): Promise<JoinClient> {
  const preferred = harnessType === 'codex' ? CLIENTS.toReversed() : CLIENTS;
  const candidates = wanted === undefined ? preferred : CLIENTS.filter(({ name }) => name === wanted);
  for (const client of candidates) if ((await findClientProgram(client.name)) !== undefined) return client;
  const names = candidates.map(({ name }) => name).join(' nor ');
  const lines = candidates.map(({ installLine }) => installLine).join(', or ');
  throw new JoinError(
    'no-client',
    `there is ${candidates.length === 1 ? 'no' : 'neither'} ${names} on PATH. Install it: ${lines}.`,
  );
}

function describeThread({ key, turnCount }: ReadThread, shown: number): string {
  if (shown === 0) return `Joined ${key}, which has no turns yet.`;
  const turns = turnCount === 1 ? 'its turn' : `its ${turnCount} turns`;
  return `Joined ${key} with ${shown < turnCount ? `the last ${shown} of ` : ''}${turns}.`;
}

/** The conversation is for the user only, as the clients write their own. */
async function writeFiles({ files }: JoinPlan): Promise<void> {
  for (const { path, text } of files) {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600 });
    } catch (error) {
      throw new Error(`Chiron cannot join the thread: ${path} cannot be written: ${String(error)}`, { cause: error });
    }
  }
}

/** Not on standard output, which may be pasted. */
function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
