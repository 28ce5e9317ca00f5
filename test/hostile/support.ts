import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { dirname, join } from 'node:path';
import { newFolder, newSharedFolder, type SharedFolder } from '../clients/support/folders.js';
import { type RealHarness, type Rig, startRig } from '../clients/support/rig.js';

export { removeFolders } from '../clients/support/folders.js';
export { skipReason } from '../clients/support/programs.js';

/** The name of a thread as a header can have it. */
const keyOf = (thread: string): string => `hostile:${thread.replaceAll(/[^a-z0-9]+/gi, '-')}`;

/** What the server has in its environment, and no agent may ever get. */
export const SECRET = 'what-only-the-server-may-know';
const SERVER_KEY = 'key-of-the-tests-of-hostile-agents';

/** What a caller says. */
export type Content = string | readonly object[];

/** What a caller got. */
export interface Answer {
  readonly status: number;
  /** All texts of the message, or the error's. */
  readonly text: string;
}

/** Where a thread is. */
export interface ThreadPaths {
  /** Its folder on the machine. */
  readonly thread: string;
  /** Its workspace as its agent sees it. */
  readonly workspace: string;
}

/** A server whose agents are hostile: each turn is run by a new process. */
export interface Hostile {
  readonly rig: Rig;
  /** Says something in a thread and waits for the answer. */
  say(thread: string, content: Content, more?: object): Promise<Answer>;
  /** Has the thread's agent run a command. */
  run(thread: string, command: string): Promise<Answer>;
  /** Sends a message, and returns everything that its agent process sent to the model. */
  told(thread: string, content: Content): Promise<string>;
  /** Asks for a thread's removal, and gives the status. */
  remove(thread: string): Promise<number>;
  paths(thread: string): Promise<ThreadPaths>;
  close(): Promise<void>;
}

/** Starts a server for agents of this kind. `environment` is added to its own. */
export async function startHostile(
  harness: RealHarness,
  environment: Readonly<Record<string, string>> = {},
): Promise<Hostile> {
  const rig = await startRig(harness, {
    CHIRON_API_KEYS: `tests:${SERVER_KEY}`,
    A_SECRET_OF_THE_SERVER: SECRET,
    // What an agent wrote counts, if it does, from the next process on.
    CHIRON_MAX_WARM_HARNESSES: '0',
    ...environment,
  });
  const call = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: object) =>
    fetch(`${rig.server.url}${path}`, {
      method,
      headers: { 'x-api-key': SERVER_KEY, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const say = async (thread: string, content: Content, more: object = {}): Promise<Answer> => {
    const body = { model: harness, max_tokens: 99, messages: [{ role: 'user', content }], ...more };
    const headers = { 'x-chiron-thread-key': keyOf(thread), 'x-chiron-tool-blocks': 'none' };
    const response = await call('POST', '/v1/messages', headers, body);
    const answer: AnswerBody = JSON.parse(await response.text());
    const texts = (answer.content ?? []).map((block) => block.text ?? '');
    return { status: response.status, text: answer.error?.message ?? texts.join('') };
  };
  return {
    rig,
    say,
    run: (thread, command) => say(thread, `SCENE:tool ${command}`),
    told: async (thread, content) => {
      const before = rig.model.requests.length;
      await say(thread, content);
      return JSON.stringify(rig.model.requests.slice(before).map(({ body }) => body));
    },
    remove: async (thread) => (await call('DELETE', `/api/session/${keyOf(thread)}`, {})).status,
    paths: async (thread) => {
      const mark = `mark-${randomUUID()}`;
      const { text } = await say(thread, `SCENE:tool touch ${mark}; pwd -P`);
      const workspace = JSON.parse(/"(?:[^"\\]|\\.)*"/.exec(text)?.[0] ?? '""');
      const folders = (await readdir(join(rig.server.dataDirectory, 'threads'))).map((id) =>
        join(rig.server.dataDirectory, 'threads', id),
      );
      const found = folders.find((folder) => existsSync(join(folder, 'workspace', mark)));
      if (found === undefined) throw new Error(`the thread has no folder: ${text}`);
      await rm(join(found, 'workspace', mark));
      return { workspace, thread: found };
    },
    close: () => rig.close(),
  };
}

interface AnswerBody {
  readonly content?: readonly { readonly text?: string }[];
  readonly error?: { readonly message: string };
}

/** A shell command that writes this text into a file, and makes its folder. */
export function writes(path: string, text: string): string {
  const encoded = Buffer.from(text).toString('base64');
  return `mkdir -p "$(dirname ${path})"; echo ${encoded} | base64 -d > ${path}`;
}

/** A folder outside of all threads, which agents see in every kind of sandbox. */
export interface Traces extends SharedFolder {
  /** The traces that commands have left in it since the last call. */
  take(): Promise<readonly string[]>;
}

/** A new folder for traces; the server has to be started with its setting. */
export async function newTraces(): Promise<Traces> {
  const shared = await newSharedFolder('traces');
  const take = async (): Promise<readonly string[]> => {
    const names = (await readdir(shared.path)).toSorted();
    await Promise.all(names.map((name) => rm(join(shared.path, name), { recursive: true })));
    return names;
  };
  return { ...shared, take };
}

/** A port to which nobody should send anything, and what was sent. */
export async function startThief(): Promise<{
  readonly url: string;
  readonly requests: readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}> {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers);
    response.writeHead(500).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the thief does not listen on a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A template with these files. */
export async function newTemplate(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await newFolder('template');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
