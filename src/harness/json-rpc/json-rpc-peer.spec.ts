import { Subject } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseObject } from '../../domain/json.js';
import { JsonRpcPeer, METHOD_NOT_FOUND } from './json-rpc-peer.js';

function setup() {
  const lines = new Subject<readonly string[]>();
  const written: string[] = [];
  const malformed: number[] = [];
  const peer = new JsonRpcPeer(
    {
      lines$: lines,
      exit: Promise.resolve({ code: 0, signal: null, stderr: '' }),
      writeLine: (line) => written.push(line),
      stop: () => Promise.resolve(),
    },
    {
      envelope: { jsonrpc: '2.0' },
      answer: (method) => (method === 'ask/human' ? undefined : METHOD_NOT_FOUND),
    },
    (length) => malformed.push(length),
  );
  const say = (...messages: readonly object[]) => lines.next(messages.map((message) => JSON.stringify(message)));
  return { peer, lines, say, malformed, written: () => written.map(parseObject) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('A JSON-RPC conversation', () => {
  it('numbers its requests by itself, whatever the other side numbers', async () => {
    const { peer, say, written } = setup();
    const request = peer.request('initialize', { a: 1 });
    say({ jsonrpc: '2.0', id: 1, method: 'ask/unknown' }, { jsonrpc: '2.0', id: 1, result: { b: 2 } });
    expect(await request).toEqual({ b: 2 });
    expect(written()).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: { a: 1 } },
      { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Not supported by this client.' } },
    ]);
  });

  it('passes on the requests that it does not answer itself, in the order of the notifications', () => {
    const { peer, say, written } = setup();
    const methods: unknown[] = [];
    peer.messages$.subscribe((batch) => methods.push(...batch.map(({ method }) => method)));
    say({ method: 'before' }, { id: 'x', method: 'ask/human' }, { method: 'after' });
    expect(methods).toEqual(['before', 'ask/human', 'after']);
    peer.respond('x', { yes: true });
    expect(written()).toEqual([{ jsonrpc: '2.0', id: 'x', result: { yes: true } }]);
  });

  it('gives up a request after its limit, and ignores the answer that comes then', async () => {
    vi.useFakeTimers();
    const { peer, say } = setup();
    const request = peer.request('session/new', {}, 1_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await request).toMatchObject({ name: 'JsonRpcTimeoutError', method: 'session/new' });
    say({ id: 1, result: {} });
  });

  it('waits for ever for one without a limit, and for one that was answered no more', async () => {
    vi.useFakeTimers();
    const { peer, say } = setup();
    const [limited, unlimited] = [peer.request('a', {}, 1_000), peer.request('b', {})];
    say({ id: 1, result: { is: 'a' } });
    await vi.advanceTimersByTimeAsync(3_600_000);
    say({ id: 2, result: { is: 'b' } });
    expect(await Promise.all([limited, unlimited])).toEqual([{ is: 'a' }, { is: 'b' }]);
  });

  it('says what an error has, and a code for one without', async () => {
    const { peer, say } = setup();
    const [first, second] = [peer.request('a', {}), peer.request('b', {})];
    say({ id: 1, error: { code: -32000, message: 'no', data: { why: 'x' } } }, { id: 2, error: {} });
    await expect(first).rejects.toMatchObject({ code: -32000, message: 'no', data: { why: 'x' } });
    await expect(second).rejects.toMatchObject({ code: 0, message: 'refused' });
  });

  it('ends all requests with the process, and those that come later', async () => {
    const { peer, lines } = setup();
    const pending = peer.request('a', {});
    lines.complete();
    await expect(pending).rejects.toMatchObject({ name: 'JsonRpcError', code: undefined });
    await expect(peer.request('b', {})).rejects.toMatchObject({ code: undefined });
  });

  it('counts lines that are no messages', () => {
    const { lines, malformed } = setup();
    lines.next(['Database migrated.', '', '[1]']);
    expect(malformed).toEqual([18, 0, 3]);
  });
});
