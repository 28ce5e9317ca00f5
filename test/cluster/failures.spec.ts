import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, askUntilAnswered } from './support/caller.js';
import { TestCluster, TIMEOUT_SECONDS } from './support/cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = await TestCluster.start();
});

afterEach(() => cluster.close());

/** What the demo agent says of a command that its server did not see the end of. */
const NOT_RUN_AGAIN = 'The server was stopped while the command ran. It was not run again.';

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** Counts the processes whose command line names a file. */
function runningCommands(file: string): number {
  return spawnSync('pgrep', ['-f', file], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .filter((line) => line !== '').length;
}

/** Lists the turns of test threads that are not as they must be: ended once each, with an answer. */
async function findBadTurns(): Promise<readonly unknown[]> {
  return cluster.query(`select key, turns.state, turns.failure from turns join threads on threads.id = thread_id
    where turns.state <> 'completed'`);
}

describe('when a worker is killed in the middle of a turn', () => {
  it('another one goes on with it, and the caller’s connection shows that', async () => {
    const file = cluster.mark('killed');
    const caller = ask(cluster.url, `!echo ran >> ${file}; sleep 20; echo end >> ${file}`, { thread: 'killed' });
    const holder = await cluster.holderOf('test:killed');
    await expect.poll(() => read(file), { timeout: 20_000 }).toBe('ran\n');
    cluster.server(holder).start.signal('SIGKILL');
    const answer = await caller;
    expect(answer.text).toBe(NOT_RUN_AGAIN);
    expect(read(file)).toBe('ran\n');
    expect(await findBadTurns()).toEqual([]);
    // It went on on the other one; its files were on the one that is gone, and the next turn says so.
    const [turn] = await cluster.query(
      `select attempt, nodes.name from turns join threads on threads.id = thread_id join nodes on nodes.id = threads.node`,
    );
    expect(turn).toEqual({ attempt: 2, name: holder === 'w1' ? 'w2' : 'w1' });
  });

  it('takes its turns again itself when it is back in time', async () => {
    const caller = askUntilAnswered(cluster.url, '!sleep 3; echo ok', { thread: 'back' });
    const holder = await cluster.holderOf('test:back');
    cluster.server(holder).start.signal('SIGKILL');
    await cluster.restart(holder);
    await caller;
    const [thread] = await cluster.query(`select nodes.name from threads join nodes on nodes.id = threads.node`);
    expect(thread).toEqual({ name: holder });
  });
});

describe('when a gateway is killed', () => {
  it('callers that retry through the other one get the same turn', async () => {
    const file = cluster.mark('gateway');
    const callers = Array.from({ length: 10 }, (_, index) =>
      askUntilAnswered(cluster.url, `!echo ${index} >> ${file}; sleep 4; echo done`, { thread: `gateway-${index}` }),
    );
    await expect.poll(() => read(file).split('\n').length, { timeout: 60_000 }).toBe(11);
    cluster.server('g1').start.signal('SIGKILL');
    const answers = await Promise.all(callers);
    expect(answers.map(({ results }) => results)).toEqual(answers.map(() => ['done']));
    expect(read(file).trim().split('\n')).toHaveLength(10);
  });
});

describe('when a worker is suspended', () => {
  it('another one goes on; when it wakes up, it ends its agents, and nothing of it is stored', async () => {
    const file = cluster.mark('suspended');
    const caller = ask(cluster.url, `!echo ran >> ${file}; sleep 25; echo late >> ${file}`, { thread: 'suspended' });
    const holder = cluster.server(await cluster.holderOf('test:suspended'));
    await expect.poll(() => read(file), { timeout: 20_000 }).toBe('ran\n');
    holder.start.signal('SIGSTOP');
    const answer = await caller;
    expect(answer.text).toBe(NOT_RUN_AGAIN);
    // Its agent’s command was ended before, while the server itself could do nothing.
    expect(runningCommands(file)).toBe(0);
    const rows = await cluster.query('select turn_id, sequence, attempt from turn_events order by sequence');
    holder.start.signal('SIGCONT');
    await expect.poll(() => holder.start.output(), { timeout: 20_000 }).toContain('ending the agents that run here');
    await expect.poll(() => holder.start.output(), { timeout: 20_000 }).toContain('this server takes part again');
    expect(await cluster.query('select turn_id, sequence, attempt from turn_events order by sequence')).toEqual(rows);
    // It has let go of the files of the thread that another one has now, as it would resume an old conversation in them.
    const [row] = await cluster.query('select id from threads');
    const folder = cluster.file(`${holder.name}/data/threads/${String(row?.['id'])}`);
    await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
    // It runs turns again.
    expect(read(file)).toBe('ran\n');
    const again = await askUntilAnswered(cluster.url, '!echo again', { thread: 'suspended' });
    expect(again.results).toEqual(['again']);
  });
});

describe('when the database is away', () => {
  it('for all, running turns go on, and end when it is back', async () => {
    const file = cluster.mark('away');
    const callers = ['one', 'two', 'three', 'four'].map((thread) =>
      askUntilAnswered(cluster.url, `!echo ran >> ${file}; sleep 12; echo done`, { thread }),
    );
    await expect.poll(() => read(file).split('\n').length, { timeout: 30_000 }).toBe(5);
    for (const { database } of cluster.servers.values()) database.cut();
    await delay(TIMEOUT_SECONDS * 2000);
    for (const { database } of cluster.servers.values()) database.mend();
    const answers = await Promise.all(callers);
    expect(answers.map(({ results }) => results)).toEqual(answers.map(() => ['done']));
    expect(read(file).trim().split('\n')).toHaveLength(4);
    expect(await cluster.query('select attempt from turns where attempt > 1')).toEqual([]);
  });

  it('for one worker alone, it ends its agents, and another one goes on', async () => {
    const file = cluster.mark('alone');
    const caller = ask(cluster.url, `!echo ran >> ${file}; sleep 25; echo late >> ${file}`, { thread: 'alone' });
    const holder = cluster.server(await cluster.holderOf('test:alone'));
    await expect.poll(() => read(file), { timeout: 20_000 }).toBe('ran\n');
    holder.database.cut();
    const answer = await caller;
    expect(holder.start.output()).toContain('this server alone cannot reach the store');
    expect(answer.text).toBe(NOT_RUN_AGAIN);
    holder.database.mend();
    await expect.poll(() => holder.start.output(), { timeout: 30_000 }).toContain('this server takes part again');
    expect(read(file)).toBe('ran\n');
  });
});

describe('a server that was the only one', () => {
  it.each([
    ['knows another one as soon as that has joined, and ends its agents when it alone loses the store', 'after'],
    ['ends its agents when it alone has lost the store just before another one joins', 'before'],
  ])('%s', async (_, when) => {
    const lone = await TestCluster.start({}, ['a1']);
    try {
      const file = lone.mark('lone');
      void ask(lone.url, `!echo ran >> ${file}; sleep 25`, { thread: 'lone' }).catch(() => undefined);
      await expect.poll(() => read(file), { timeout: 20_000 }).toBe('ran\n');
      const first = lone.server('a1');
      if (when === 'before') first.database.cut();
      await lone.add('a2');
      first.database.cut();
      const output = (): string => first.start.output();
      await expect.poll(output, { timeout: 30_000 }).toContain('this server alone cannot reach the store');
      await expect.poll(() => runningCommands(file), { timeout: 10_000 }).toBe(0);
    } finally {
      await lone.close();
    }
  });
});

describe('when the network between servers is cut', () => {
  it('turns run, and are read from the store', async () => {
    for (const { peers } of cluster.servers.values()) peers.cut();
    const answers = await Promise.all(
      ['one', 'two', 'three'].map((thread) => askUntilAnswered(cluster.url, '!sleep 1; echo done', { thread })),
    );
    expect(answers.map(({ results }) => results)).toEqual([['done'], ['done'], ['done']]);
  });

  it('an interrupt reaches a running turn by the store', async () => {
    const caller = ask(cluster.url, '!sleep 60', { thread: 'far' }).catch(() => undefined);
    await cluster.holderOf('test:far');
    for (const { peers } of cluster.servers.values()) peers.cut();
    const { url } = cluster.server('g2');
    expect((await fetch(`${url}/api/session/test%3Afar/interrupt`, { method: 'POST' })).status).toBe(200);
    await caller;
    expect(await cluster.query('select state from turns')).toEqual([{ state: 'cancelled' }]);
  });
});

describe('a server on a copy of another one’s data folder', () => {
  it('leaves its threads to the newer one, says so, and runs turns again once that is gone', async () => {
    const first = cluster.server('w1');
    mkdirSync(cluster.file('w3/data'), { recursive: true });
    copyFileSync(cluster.file('w1/data/node-id'), cluster.file('w3/data/node-id'));
    const second = await cluster.add('w3');
    const output = (): string => first.start.output();
    await expect.poll(output, { timeout: 20_000 }).toContain('another server has the node id of this one');
    expect((await fetch(`${first.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    second.start.signal('SIGKILL');
    await expect.poll(output, { timeout: 30_000 }).toContain('this server takes part again');
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });
});
