// The HTTP calls that all of centaur's clients make, written to their descriptions and sources (0xSplits/centaur of 2026-07-16,
// useatrium/atrium of 2026-07-23). The bots around it are in bots.ts.

/** A failed call, as the bots see it: they retry 408, 425, 429 and 5xx, and give up on the rest. */
export class SessionApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(`${status}: ${body}`);
  }
}

/** One event of a session's stream. */
export interface StreamedEvent {
  readonly id: number;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A JSON answer of the session API. */
export type Answer = Readonly<Record<string, unknown>>;

/** Calls the session API as centaur's clients do. */
export class SessionClient {
  constructor(
    private readonly url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  create(key: string, body: object): Promise<Answer> {
    return this.call('POST', key, '', body);
  }

  append(key: string, messages: readonly object[]): Promise<Answer> {
    return this.call('POST', key, '/messages', { messages });
  }

  execute(key: string, body: object): Promise<Answer> {
    return this.call('POST', key, '/execute', body);
  }

  interrupt(key: string, reason: string): Promise<Answer> {
    return this.call('POST', key, '/interrupt', { reason });
  }

  cancel(key: string, body: object): Promise<Answer> {
    return this.call('POST', key, '/cancel', body);
  }

  get(key: string): Promise<Answer> {
    return this.call('GET', key, '');
  }

  /** Reads events until a terminal one. The bots stop there, and take `after` from the last event that they had. */
  async tail(
    key: string,
    query: { readonly after: number; readonly executionId?: string },
  ): Promise<readonly StreamedEvent[]> {
    const parameters = new URLSearchParams({
      after_event_id: String(query.after),
      ...(query.executionId === undefined ? {} : { execution_id: query.executionId }),
    });
    const response = await fetch(`${this.path(key)}/events?${parameters.toString()}`, { headers: this.headers });
    if (!response.ok || response.body === null) throw new SessionApiError(response.status, await response.text());
    const events: StreamedEvent[] = [];
    let buffer = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = (buffer + chunk).split('\n\n');
      buffer = frames.pop() ?? '';
      events.push(...frames.flatMap(parseFrame));
      if (events.some(isTerminal)) break;
    }
    return events;
  }

  private async call(method: string, key: string, rest: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.path(key)}${rest}`, {
      method,
      headers: { 'content-type': 'application/json', ...this.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new SessionApiError(response.status, text);
    const answer: Answer = JSON.parse(text);
    return answer;
  }

  private path(key: string): string {
    return `${this.url}/api/session/${encodeURIComponent(key)}`;
  }
}

function parseFrame(frame: string): readonly StreamedEvent[] {
  const [, id, event, json] = /^id: (\d+)\nevent: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
  if (event === undefined || json === undefined) return [];
  const data: StreamedEvent['data'] = JSON.parse(json);
  return [{ id: Number(id), event, data }];
}

function isTerminal({ event }: StreamedEvent): boolean {
  return /^session\.execution_(completed|failed|cancelled)$/.test(event);
}

/** What a renderer shows of the agent's messages: the deltas, in order. */
export function renderAnswer(events: readonly StreamedEvent[]): string {
  return events.flatMap(({ data }) => (data['method'] === 'item/agentMessage/delta' ? [readDelta(data)] : [])).join('');
}

function readDelta({ params }: StreamedEvent['data']): string {
  if (typeof params !== 'object' || params === null || !('delta' in params)) return '';
  return typeof params.delta === 'string' ? params.delta : '';
}

/** The texts that the turn gave to its agent when it started: the item with which the turn opens. */
export function readPrompt(events: readonly StreamedEvent[]): readonly string[] {
  const line = events.find(({ data }) => JSON.stringify(data).includes('"type":"userMessage"'));
  return [...JSON.stringify(line?.data ?? {}).matchAll(/"text":("(?:[^"\\]|\\.)*")/g)].map(([, text = '""']) => {
    const parsed: string = JSON.parse(text);
    return parsed;
  });
}

/** The ids of the appended messages that the agent heard, at the start of the turn and meanwhile. */
export function readHeardIds(events: readonly StreamedEvent[]): readonly unknown[] {
  return events.flatMap(({ event, data }) => {
    const isHearing = event === 'session.execution_started' || event === 'session.steering_delivered';
    return isHearing && Array.isArray(data['message_ids']) ? data['message_ids'] : [];
  });
}
