import { isJsonObject } from '../../domain/json.js';
import { isEnoughHistory, type ReadTurn } from './conversation.js';
import { JoinError } from './join-error.js';
import { HEADERS_VARIABLE, type ServerAddress } from './server-address.js';

const TIMEOUT_MS = 30_000;

/** How often it is looked whether a turn has ended. */
const POLL_MS = 1000;

/** A thread as the server has it. */
export interface ReadThread {
  readonly key: string;
  /** The model of its answers. */
  readonly model: string;
  /** `claudecode`, `codex`, … */
  readonly harnessType: string;
  readonly turnCount: number;
  /** Its last turns, the newest first. */
  readonly turns: readonly ReadTurn[];
}

/** Reads a thread from its server. Every method rejects with a {@link JoinError} that says what is wrong. */
export class ThreadReader {
  constructor(private readonly server: ServerAddress) {}

  /**
   * Reads a thread with the newest of its turns, as many as a client shows.
   *
   * @param waits called once if a turn is queued or running, to wait for its end; absent to reject then.
   */
  async read(key: string, waits?: () => void): Promise<ReadThread> {
    const path = `/api/session/${encodeURIComponent(key)}`;
    const { model, harness_type, turn_count } = await this.get(path);
    return {
      key,
      model: String(model),
      harnessType: String(harness_type),
      turnCount: Number(turn_count),
      turns: await this.readTurns(`${path}/history?tool_blocks=text`, waits),
    };
  }

  /** Reads JSON at this path, which may be missing on this server. */
  async find(path: string): Promise<object | undefined> {
    const response = await this.fetch(path);
    return response.ok ? readObject(await response.text()) : undefined;
  }

  private async readTurns(path: string, waits: (() => void) | undefined): Promise<readonly ReadTurn[]> {
    let page = await this.getPage(path);
    for (let isFirst = true; isActive(page.turns[0]); isFirst = false) {
      if (waits === undefined) {
        throw new JoinError('busy', 'a turn of it is running. Wait for its end, or add --wait.');
      }
      if (isFirst) waits();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      page = await this.getPage(path);
    }
    const turns = [...page.turns];
    while (page.next_before !== null && !isEnoughHistory(turns)) {
      page = await this.getPage(`${path}&before=${page.next_before}`);
      turns.push(...page.turns);
    }
    return turns;
  }

  private async getPage(path: string): Promise<HistoryPageBody> {
    const body = await this.get(path);
    if (!Array.isArray(body['turns'])) throw this.noChiron();
    // Written by `SessionHistoryService`.
    return body as unknown as HistoryPageBody;
  }

  private async get(path: string): Promise<Readonly<Record<string, unknown>>> {
    const response = await this.fetch(path);
    const body = readObject(await response.text());
    if (response.ok && body !== undefined) return body;
    const told = typeof body?.['error'] === 'string' ? body['error'] : `HTTP ${response.status}`;
    switch (response.status) {
      case 401:
      case 403: {
        const hint = this.server.key === undefined ? ' Set CHIRON_API_KEY, or use --key.' : ' Check the key.';
        throw new JoinError('no-access', `${this.server.url} says: ${told}.${hint}`);
      }
      case 404:
        if (!told.startsWith('session not found')) throw this.noChiron();
        throw new JoinError('no-thread', `${this.server.url} has none of this key for this user.`);
      case 400:
        throw new JoinError('no-thread', `${told}.`);
      default:
        throw new JoinError('no-server', `${this.server.url} says: ${told}.`);
    }
  }

  private async fetch(path: string): Promise<Response> {
    const { url } = this.server;
    const headers = this.toHeaders();
    try {
      // A redirect to another host would take the headers of a gateway there.
      const response = await fetch(`${url}${path}`, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status < 300 || response.status >= 400) return response;
    } catch (error) {
      throw new JoinError('no-server', `${url} is not reachable: ${describeFailure(error)}.`);
    }
    throw new JoinError('no-server', `${url} redirects to another address. Name the address of the server itself.`);
  }

  /** Those of the user win, as in Claude Code. */
  private toHeaders(): Headers {
    const { key, headers } = this.server;
    const result = new Headers(key === undefined ? {} : { authorization: `Bearer ${key}` });
    for (const line of headers) {
      const [name = ''] = line.split(':');
      try {
        result.set(name.trim(), line.slice(name.length + 1).trim());
      } catch {
        // The error has the value, which may be a secret.
        throw new Error(`Chiron cannot join the thread: ${HEADERS_VARIABLE} has a line that is no header.`);
      }
    }
    return result;
  }

  private noChiron(): JoinError {
    return new JoinError('no-server', `${this.server.url} is no Chiron, or one that is too old to be joined.`);
  }
}

interface HistoryPageBody {
  readonly turns: readonly ReadTurn[];
  readonly next_before: number | null;
}

function isActive(turn: ReadTurn | undefined): boolean {
  return turn?.status === 'queued' || turn?.status === 'running';
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // A proxy or another program answers with something else.
    return undefined;
  }
}

/** The reason of a failed `fetch` is in its cause. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
