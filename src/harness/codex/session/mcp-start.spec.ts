import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { SandboxExit } from '../../../sandbox/sandbox.js';
import { AppServer } from '../app-server/app-server.js';
import { followMcpStart } from './mcp-start.js';

function open() {
  const lines = new Subject<readonly string[]>();
  const server = new AppServer(
    {
      lines$: lines,
      exit: new Promise<SandboxExit>(() => undefined),
      writeLine: () => undefined,
      stop: () => Promise.resolve(),
    },
    () => undefined,
  );
  const say = (name: string, status: string) =>
    lines.next([JSON.stringify({ method: 'mcpServer/startupStatus/updated', params: { name, status } })]);
  return { server, say, exit: () => lines.complete() };
}

describe('The start of MCP servers', () => {
  it('is over when each has started or failed', async () => {
    const { server, say } = open();
    const { done } = followMcpStart(server, ['one', 'two']);
    let isOver = false;
    void done.then(() => (isOver = true));
    for (const [name, status] of [
      ['one', 'starting'],
      ['two', 'starting'],
      ['another', 'ready'],
      ['one', 'ready'],
    ] as const) {
      say(name, status);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    say('two', 'failed');
    expect(await done).toEqual(['two']);
  });

  it('is over at once without servers, and when the process exits', async () => {
    const { server, exit } = open();
    expect(await followMcpStart(server, []).done).toEqual([]);
    const { done } = followMcpStart(server, ['one']);
    exit();
    expect(await done).toEqual(['one']);
  });
});
