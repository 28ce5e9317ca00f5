import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { SandboxProcess } from '../../../sandbox/sandbox.js';
import { parseObject } from '../../../domain/json.js';
import { AppServer } from './app-server.js';

function serverWithFakeProcess() {
  const lines = new Subject<readonly string[]>();
  const written: string[] = [];
  const process: SandboxProcess = {
    lines$: lines,
    exit: Promise.resolve({ code: 0, signal: null, stderr: '' }),
    writeLine: (line) => written.push(line),
    stop: () => Promise.resolve(),
  };
  const malformed: number[] = [];
  const server = new AppServer(process, (length) => malformed.push(length));
  const say = (...messages: readonly object[]) => lines.next(messages.map((message) => JSON.stringify(message)));
  return { server, lines, say, malformed, written: () => written.map(parseObject) };
}

describe('AppServer', () => {
  it('gives each request the answer with its id, whatever the order', async () => {
    const { server, say, written } = serverWithFakeProcess();
    const [first, second] = [server.request('a', {}), server.request('b', { x: 1 })];
    expect(written()).toEqual([
      { id: 1, method: 'a', params: {} },
      { id: 2, method: 'b', params: { x: 1 } },
    ]);
    say({ id: 2, result: { is: 'second' } }, { id: 1, result: { is: 'first' } });
    expect(await Promise.all([first, second])).toEqual([{ is: 'first' }, { is: 'second' }]);
  });

  it('rejects a request that is refused', async () => {
    const { server, say } = serverWithFakeProcess();
    const request = server.request('a', {});
    say({ id: 1, error: { code: -32600, message: 'no' } });
    await expect(request).rejects.toMatchObject({ name: 'JsonRpcError', code: -32600, message: 'no' });
  });

  it('passes notifications on, one batch per read', () => {
    const { server, say } = serverWithFakeProcess();
    const batches: unknown[] = [];
    server.messages$.subscribe((batch) => batches.push(batch));
    say({ method: 'x', params: {} }, { id: 7, result: {} }, { method: 'y', params: {} });
    expect(batches).toEqual([
      [
        { method: 'x', params: {} },
        { method: 'y', params: {} },
      ],
    ]);
  });

  it.each([
    ['item/commandExecution/requestApproval', { result: { decision: 'accept' } }],
    ['item/fileChange/requestApproval', { result: { decision: 'accept' } }],
    ['execCommandApproval', { result: { decision: 'approved' } }],
    ['mcpServer/elicitation/request', { result: { action: 'decline', content: null, _meta: null } }],
    ['some/newRequest', { error: { code: -32601, message: expect.any(String) } }],
  ])('answers %s itself, so that Codex never hangs', (method, answer) => {
    const { say, written } = serverWithFakeProcess();
    say({ id: 'r-1', method, params: {} });
    expect(written()).toEqual([{ id: 'r-1', ...answer }]);
  });

  it('passes calls of the caller’s tools on, in their place, and sends their answers', () => {
    const { server, say, written } = serverWithFakeProcess();
    const batches: unknown[] = [];
    server.messages$.subscribe((batch) => batches.push(batch));
    const call = { id: 3, method: 'item/tool/call', params: { callId: 'c' } };
    say({ method: 'x', params: {} }, call);
    expect(batches).toEqual([[{ method: 'x', params: {} }, call]]);
    server.respond(3, { success: true });
    expect(written()).toEqual([{ id: 3, result: { success: true } }]);
  });

  it('reports the length of lines that are not JSON, and continues', async () => {
    const { server, lines, say, malformed } = serverWithFakeProcess();
    const request = server.request('a', {});
    lines.next(['Segmentation fault', '{']);
    say({ id: 1, result: {} });
    await request;
    expect(malformed).toEqual([18, 1]);
  });

  it('rejects what waits, and what comes after, when the process is gone', async () => {
    const { server, lines } = serverWithFakeProcess();
    const request = server.request('a', {});
    lines.complete();
    await expect(request).rejects.toMatchObject({ code: undefined });
    await expect(server.request('b', {})).rejects.toMatchObject({ code: undefined });
  });
});
