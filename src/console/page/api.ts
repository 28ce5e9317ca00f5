import type {
  ListedKey,
  ListedNode,
  ListedTenant,
  SessionDetails,
  SessionPage,
  StreamedEvent,
  ListedTurns,
  UsageDay,
  WorkspaceFilePage,
} from './api-types.js';
import type { PolicyTarget } from './location.js';
import type { PolicyJson } from './policy-values.js';

/** An answer that is not the one that was asked for. */
export class ApiError extends Error {
  /** @param status the HTTP status; 0 when no answer came. */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Calls the server's API with a key; with `undefined` on servers that need none. Methods reject with {@link ApiError}. */
export class Api {
  constructor(private readonly key: string | undefined) {}

  listSessions(search: string, cursor: string | undefined): Promise<SessionPage> {
    const query = new URLSearchParams({ limit: '30' });
    if (search !== '') query.set('search', search);
    if (cursor !== undefined) query.set('cursor', cursor);
    return this.#json('GET', `/api/sessions?${query.toString()}`);
  }

  getSession(key: string): Promise<SessionDetails> {
    return this.#json('GET', pathOf(key));
  }

  async execute(key: string, prompt: string): Promise<void> {
    // The id makes a repeated click, or a repeated request of the browser, one turn.
    const body = { input_lines: [toInputLine(prompt)], idempotency_key: crypto.randomUUID() };
    await this.#json('POST', `${pathOf(key)}/execute`, body);
  }

  async interrupt(key: string): Promise<void> {
    await this.#json('POST', `${pathOf(key)}/interrupt`, {});
  }

  /** A page of a folder of a thread's workspace. */
  listFiles(key: string, path: string, cursor: string | undefined): Promise<WorkspaceFilePage> {
    const query = new URLSearchParams({ recursive: 'false', path });
    if (cursor !== undefined) query.set('cursor', cursor);
    return this.#json('GET', `${pathOf(key)}/files?${query.toString()}`);
  }

  /** Saves a file, or a folder as an archive. A plain link would have no key. */
  async downloadFile(key: string, path: string): Promise<void> {
    const names = path.split('/').map(encodeURIComponent);
    const response = await this.#fetch('GET', `${pathOf(key)}/files/${names.join('/')}`);
    const isArchive = response.headers.get('content-type') === 'application/x-tar';
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await response.blob());
    link.download = `${path.slice(path.lastIndexOf('/') + 1)}${isArchive ? '.tar' : ''}`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** What the turns from a day on used, by day. */
  async readUsage(from: string): Promise<readonly UsageDay[]> {
    const path = `/api/usage?from=${from}&group_by=day&format=json`;
    return (await this.#json<{ readonly data: readonly UsageDay[] }>('GET', path)).data;
  }

  async listTenants(): Promise<readonly ListedTenant[]> {
    return (await this.#json<{ readonly data: readonly ListedTenant[] }>('GET', '/api/admin/tenants')).data;
  }

  async createTenant(name: string): Promise<void> {
    await this.#json('POST', '/api/admin/tenants', { name });
  }

  async listKeys(): Promise<readonly ListedKey[]> {
    return (await this.#json<{ readonly data: readonly ListedKey[] }>('GET', '/api/admin/keys')).data;
  }

  createKey(key: {
    readonly tenant: string;
    readonly name?: string;
    readonly role: ListedKey['role'];
  }): Promise<ListedKey & { readonly key: string }> {
    return this.#json('POST', '/api/admin/keys', key);
  }

  async revokeKey(id: string): Promise<void> {
    await this.#json('DELETE', `/api/admin/keys/${encodeURIComponent(id)}`);
  }

  async listNodes(): Promise<readonly ListedNode[]> {
    return (await this.#json<{ readonly data: readonly ListedNode[] }>('GET', '/api/admin/nodes')).data;
  }

  async readPolicy(subject: PolicyTarget): Promise<PolicyJson> {
    return (await this.#json<{ readonly policy: PolicyJson }>('GET', policyPathOf(subject))).policy;
  }

  /** Replaces a policy, and resolves to the new one. */
  async replacePolicy(subject: PolicyTarget, policy: PolicyJson): Promise<PolicyJson> {
    return (await this.#json<{ readonly policy: PolicyJson }>('PUT', policyPathOf(subject), policy)).policy;
  }

  /** The turns of all tenants that run or wait. */
  listUnfinishedTurns(): Promise<ListedTurns> {
    return this.#json('GET', '/api/admin/turns?limit=200');
  }

  /** The events of a thread after one of them, until the signal aborts or the server ends the stream. */
  async *readEvents(key: string, after: number, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const response = await this.#fetch('GET', `${pathOf(key)}/events?after_event_id=${after}`, undefined, signal);
    if (response.body === null) return;
    let buffer = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = `${buffer}${chunk}`.split('\n\n');
      buffer = frames.pop() ?? '';
      for (const frame of frames) {
        const event = parseFrame(frame);
        if (event !== undefined) yield event;
      }
    }
  }

  async #json<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await this.#fetch(method, path, body);
    return (await response.json()) as Answer;
  }

  async #fetch(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.key !== undefined) headers['x-api-key'] = this.key;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      if (signal?.aborted === true) throw error;
      throw new ApiError(0, 'The server cannot be reached.');
    });
    if (!response.ok) throw new ApiError(response.status, readErrorText(await response.json().catch(() => ({}))));
    return response;
  }
}

/** Reads a frame of an event stream; `undefined` for a comment. */
export function parseFrame(frame: string): StreamedEvent | undefined {
  const fields = new Map(
    frame.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const type = fields.get('event');
  const data = fields.get('data');
  if (type === undefined || data === undefined) return undefined;
  const id = fields.get('id');
  return { id: id === undefined ? undefined : Number(id), type, data: JSON.parse(data) as StreamedEvent['data'] };
}

function pathOf(key: string): string {
  return `/api/session/${encodeURIComponent(key)}`;
}

function policyPathOf({ of, id }: PolicyTarget): string {
  return `/api/admin/${of === 'key' ? 'keys' : 'tenants'}/${encodeURIComponent(id)}/policy`;
}

/** A line that is JSON or begins with a brace would be read as another format. */
function toInputLine(text: string): string {
  return JSON.stringify({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] } });
}

/** The doors have two forms of errors. */
function readErrorText(body: unknown): string {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  if (typeof error === 'string') return error;
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
  return typeof message === 'string' ? message : 'The server answered with an error.';
}
