import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testedKinds } from '../../src/storage/__fixtures__/databases.js';
import { ask, askUntilAnswered } from '../cluster/support/caller.js';
import { freePort } from '../support/free-port.js';
import { canBe, newFolder, removeFolder } from '../support/start-main.js';
import { readCompose, serversOf } from './support/compose.js';
import { API_KEY, Pods } from './support/pods.js';

// The load balancers that the compose file and docs/deployment.md set up, run in front of the compose file's servers, as processes.

const CADDYFILE = fileURLToPath(new URL('../../deploy/compose/Caddyfile', import.meta.url));
const NGINX = fileURLToPath(new URL('../../deploy/nginx/chiron.conf', import.meta.url));
const hasPostgres = (await testedKinds()).includes('postgres');
if (!hasPostgres) console.log('No load balancer is run: no PostgreSQL answers.');

/** Ways to run a load balancer in front of two ports. */
const BALANCERS = [
  {
    name: 'Caddy',
    check: ['caddy', 'version'],
    start: (port: number, ports: readonly number[], folder: string): ChildProcess =>
      spawn('caddy', ['run', '--config', CADDYFILE, '--adapter', 'caddyfile'], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          CHIRON_ADDRESS: `http://127.0.0.1:${port}`,
          CHIRON_SERVERS: ports.map((each) => `127.0.0.1:${each}`).join(' '),
        },
      }),
  },
  {
    name: 'nginx',
    check: ['/usr/sbin/nginx', '-v'],
    start: (port: number, ports: readonly number[], folder: string): ChildProcess => {
      const site = readFileSync(NGINX, 'utf8')
        .replace(/( +server gateway-\d:8787.*\n)+/, ports.map((each) => `server 127.0.0.1:${each};\n`).join(''))
        .replace('listen 8787', `listen 127.0.0.1:${port}`);
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const temporary = paths.map((path) => `${path}_temp_path ${folder}/${path};`).join(' ');
      writeFileSync(
        join(folder, 'nginx.conf'),
        `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {} http { access_log off; ${temporary}\n${site}}`,
      );
      return spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    },
  },
];

let pods: Pods | undefined;
let folder: string;

beforeAll(async () => {
  folder = newFolder();
  if (!hasPostgres) return;
  const servers = serversOf(readCompose('compose.yaml'));
  pods = await Pods.create([], { CHIRON_SANDBOX: 'local', CHIRON_DEMO: 'on', CHIRON_SHARED_DIRECTORY: folder });
  for (const [index, { name, service }] of servers.entries())
    if (name !== 'worker-2') await pods.startServer(name, service.environment, index);
});
afterAll(async () => {
  await pods?.close();
  removeFolder(folder);
});

describe.each(BALANCERS)('$name in front of the gateways of the compose file', ({ name, check, start }) => {
  const isHere = canBe(check);
  if (!isHere) console.log(`${name} is not run: it is not installed.`);
  const canRun = isHere && hasPostgres;
  let url: string;
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    if (!canRun || pods === undefined) return;
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    running = start(port, [pods.portOf('gateway-1'), pods.portOf('gateway-2')], newFolderIn(folder));
    let printed = '';
    running.stderr?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const deadline = performance.now() + 30_000;
    while ((await fetch(`${url}/readyz`).catch(() => undefined))?.status !== 200) {
      if (performance.now() > deadline) throw new Error(`${name} does not lead to a server:\n${printed}`);
      await delay(200);
    }
  });
  afterAll(async () => {
    if (running === undefined) return;
    running.kill('SIGTERM');
    await once(running, 'exit');
  });

  it.runIf(canRun)('hands on each event of a stream as it comes, through silence', async () => {
    const times: number[] = [];
    let isBegun = false;
    const answer = await ask(url, '!sleep 12; echo done', {
      thread: randomUUID(),
      apiKey: API_KEY,
      onText: (text) => {
        isBegun ||= text.includes('event: message_start');
        if (isBegun) times.push(performance.now());
      },
    });
    expect(answer.results).toEqual(['done']);
    // The first event is there before the command has run, and a ping is in between.
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    expect(last - first).toBeGreaterThan(11_000);
    expect(times.some((time) => time - first > 5000 && last - time > 500)).toBe(true);
  });

  it.runIf(canRun)('takes a body of 20 MB', async () => {
    const image = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(20_000_000) };
    const response = await fetch(`${url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
      body: JSON.stringify({
        model: 'demo',
        messages: [{ role: 'user', content: [{ type: 'image', source: image }] }],
      }),
    });
    expect([200, 400]).toContain(response.status);
    expect(response.headers.get('request-id')).toMatch(/^req_/);
  });

  it.runIf(canRun)('goes on with one gateway when the other one is gone', async () => {
    const gone = name === 'Caddy' ? 'gateway-1' : 'gateway-2';
    try {
      await pods?.kill(gone);
      for (let index = 0; index < 4; index++) {
        const { results } = await askUntilAnswered(url, '!echo ok', { thread: randomUUID(), apiKey: API_KEY });
        expect(results).toEqual(['ok']);
        await delay(100);
      }
    } finally {
      await pods?.restart(gone);
    }
  });
});

function newFolderIn(parent: string): string {
  const made = join(parent, randomUUID());
  mkdirSync(made);
  // nginx's workers are another user's.
  chmodSync(parent, 0o777);
  chmodSync(made, 0o777);
  return made;
}
