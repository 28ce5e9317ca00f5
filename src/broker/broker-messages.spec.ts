import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { BrokerProcess } from './broker-process.js';
import type { BrokerConfig } from './protocol.js';

const CONFIG: BrokerConfig = {
  upstreams: [],
  spareLogins: '/nowhere',
  proxies: {},
  egress: { network: 'none', allowedHosts: [], credentials: [] },
  allowedModels: [],
  turnTokenLimit: 0,
};

let child: ChildProcess | undefined;
let broker: BrokerProcess | undefined;
let folder: string | undefined;

afterEach(async () => {
  child?.disconnect();
  await broker?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
  [child, broker, folder] = [undefined, undefined, undefined];
});

it('The broker answers a malformed message with its fault, says so in the log, and goes on', async () => {
  const answers: unknown[] = [];
  child = fork(fileURLToPath(new URL('process/main.ts', import.meta.url)), { execArgv: [] });
  child.on('message', (answer) => answers.push(answer));
  for (const odd of [null, 'text', { type: 'other' }, { type: 'close' }, { type: 'count', id: 5 }]) {
    child.send(odd as string);
  }
  child.send({ type: 'configure', id: 6, config: CONFIG });
  await eventually(() => answers).toContainEqual({ type: 'done', id: 6 });
  const notice = (problem: string) => ({
    type: 'notice',
    what: `The broker got a message that is malformed: ${problem}.`,
  });
  expect(answers).toEqual([
    notice('it is no object'),
    notice('it is no object'),
    notice('its type is unknown'),
    notice('close: # (required)'),
    notice('count: # (required)'),
    { type: 'failed', id: 5, problem: 'the message was malformed' },
    { type: 'done', id: 6 },
  ]);
});

it('The server goes on after a malformed message of the broker, and fails only the question that it answers', async () => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-odd-broker-'));
  const program = join(folder, 'odd.mjs');
  writeFileSync(
    program,
    `process.on('message', ({ type, id }) => {
      process.send('nothing');
      if (type === 'open') process.send({ type: 'done', id, port: 'a port' });
      else if (id !== undefined) process.send({ type: 'done', id });
    });`,
  );
  const notices: string[] = [];
  const restarts: string[] = [];
  broker = new BrokerProcess(
    CONFIG,
    {
      onRefused: () => undefined,
      onNotice: (what) => notices.push(what),
      onRestart: (reason) => restarts.push(reason),
    },
    program,
  );
  await expect(broker.open('t', { kind: 'loopback', token: 'x' })).rejects.toThrow('a malformed answer');
  expect(await broker.count('turn')).toBeUndefined();
  expect(notices).toContain('The broker sent a message that is malformed: done: #/port (type).');
  expect(notices).toContain('The broker sent a message that is malformed: it is no object.');
  expect(restarts).toEqual([]);
});
