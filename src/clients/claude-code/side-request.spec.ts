import { describe, expect, it } from 'vitest';
import type { ClientRequest, ClientRequestBody } from '../client-profile.js';
import { recorded, type Recording, RECORDINGS } from './__fixtures__/recorded.js';
import { isSideRequest } from './side-request.js';

const CLASS = 'x-claude-code-request-class';
const AGENT = 'x-claude-code-agent-id';

/** A recorded request, with other headers where `headers` has them. */
function sent(recording: Recording, headers: Readonly<Record<string, string | undefined>> = {}): ClientRequest {
  const all = { ...recording.headers, ...headers };
  return { header: (name) => all[name], body: recording.body };
}

/** What a proxy that only passes on what it knows leaves of a request. */
const withoutHints = (recording: Recording): ClientRequest => sent(recording, { [CLASS]: undefined });

/** The same body without any cache marker. */
function unmarked(body: ClientRequestBody): ClientRequestBody {
  const copy: ClientRequestBody = JSON.parse(
    JSON.stringify(body, (key, value: unknown) => (key === 'cache_control' ? undefined : value)),
  );
  return copy;
}

describe('a recorded request of Claude Code 2.1.330', () => {
  it.each(RECORDINGS.filter((name) => recorded(name).isSideRequest))('is beside the conversation: %s', (name) => {
    const recording = recorded(name);
    expect(isSideRequest(sent(recording))).toBe(true);
    expect(isSideRequest(withoutHints(recording))).toBe(true);
  });

  it.each(RECORDINGS.filter((name) => !recorded(name).isSideRequest))('is a turn: %s', (name) => {
    const recording = recorded(name);
    expect(isSideRequest(sent(recording))).toBe(false);
    expect(isSideRequest(withoutHints(recording))).toBe(false);
  });

  it.each(RECORDINGS)('is classified without cache markers, which a proxy may remove: %s', (name) => {
    const recording = recorded(name);
    const request = { ...withoutHints(recording), body: unmarked(recording.body) };
    expect(isSideRequest(request)).toBe(recording.isSideRequest);
  });
});

describe('a side request', () => {
  const second = recorded('main-second');
  /** The headers of a turn, around this body. */
  const isSide = (body: ClientRequestBody): boolean => isSideRequest({ ...withoutHints(second), body });

  it('follows Claude Code’s own classification', () => {
    expect(isSideRequest(sent(second, { [CLASS]: 'auxiliary' }))).toBe(true);
    expect(isSideRequest(sent(recorded('side-compact'), { [CLASS]: 'main' }))).toBe(false);
  });

  it('is a sub-agent’s by its id, and by its billing block when a proxy stripped the headers', () => {
    expect(isSideRequest(sent(recorded('side-subagent'), { [CLASS]: undefined, [AGENT]: undefined }))).toBe(true);
    expect(isSideRequest(sent(second, { [CLASS]: undefined, [AGENT]: 'a' }))).toBe(true);
  });

  it('includes a fork with an unknown prompt, by its cache marks', () => {
    const { messages, ...more } = recorded('side-recap').body;
    const fork = { ...more, messages: [...messages.slice(0, -1), { role: 'user', content: 'Something new.' }] };
    expect(isSide(fork)).toBe(true);
    expect(isSide(unmarked(fork))).toBe(false);
  });

  it('includes a fork that continues after tool results', () => {
    const { messages, ...more } = unmarked(recorded('side-recap').body);
    const call = { type: 'tool_use', id: 't', name: 'Read', input: {} };
    const result = { type: 'tool_result', tool_use_id: 't', content: 'x' };
    const later = [...messages, { role: 'assistant', content: [call] }, { role: 'user', content: [result] }];
    expect(isSide({ ...more, messages: later })).toBe(true);
  });

  it('includes requests without tools, unless they enable thinking or describe the caller’s machine', () => {
    const messages = [{ role: 'user', content: 'hi' }];
    const isSideWith = (body: Omit<ClientRequestBody, 'messages'>): boolean => isSide({ messages, ...body });
    expect([isSideWith({}), isSideWith({ tools: [] }), isSideWith({ thinking: { type: 'disabled' } })]).toEqual([
      true,
      true,
      true,
    ]);
    expect([isSideWith({ thinking: { type: 'adaptive' } }), isSideWith({ system: 'CWD: /caller' })]).toEqual([
      false,
      false,
    ]);
    expect(isSideWith({ thinking: { type: 'adaptive' }, output_config: { format: {} } })).toBe(true);
  });

  it('never includes a request of a message thread', () => {
    const { body } = recorded('side-web-fetch');
    expect(isSide(body)).toBe(true);
    expect(isSide({ ...body, thread: { type: 'create' } })).toBe(false);
  });

  it('ignores malformed content', () => {
    const messages = [null, 'x', { role: 'user' }, { role: 'user', content: [null, 'x', { text: 3 }] }];
    const body = { messages, system: 3, tools: [null, { input_schema: {} }] };
    expect(isSide(body)).toBe(false);
  });
});
