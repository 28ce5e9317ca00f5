import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askUntilAnswered } from './support/caller.js';
import { TestCluster } from './support/cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = await TestCluster.start({ CHIRON_DRAIN_SECONDS: '5' });
});

afterEach(() => cluster.close());

const THREADS = 100;
const TURNS = 3;

describe('a rolling restart of all servers under load', () => {
  it('loses no turn, runs none twice, and keeps the order of each thread', async () => {
    const file = (thread: number): string => cluster.mark(`thread-${thread}`);
    let isOver = false;
    const texts = new Map<string, string>();
    /** Turns whose command was running, or about to, when its server stopped: the demo agent does not run it again. */
    const interrupted = new Set<string>();
    const drive = async (thread: number): Promise<void> => {
      for (let turn = 1; turn <= TURNS; turn += 1) {
        const asked = { thread: `rolling-${thread}`, idempotencyKey: `${thread}-${turn}` };
        const answer = await askUntilAnswered(
          cluster.url,
          `!echo ${turn} >> ${file(thread)}; sleep 0.5; echo done`,
          asked,
        );
        if (answer.text.includes('It was not run again.')) interrupted.add(`${thread}-${turn}`);
        texts.set(`${thread}-${turn}`, answer.raw.slice(-900));
        await delay(isOver ? 0 : (thread % 10) * 300);
      }
    };
    const load = Promise.all(Array.from({ length: THREADS }, (_, thread) => drive(thread)));
    await delay(3000);
    for (const name of ['w1', 'g1', 'w2', 'g2']) {
      cluster.server(name).start.signal('SIGTERM');
      await cluster.restart(name);
    }
    isOver = true;
    await load;
    const written = Array.from({ length: THREADS }, (_, thread) =>
      existsSync(file(thread)) ? readFileSync(file(thread), 'utf8') : '',
    );
    for (const [thread, text] of written.entries()) {
      const turns = text.split('\n').filter((line) => line !== '');
      expect(turns, `thread ${thread}`).toEqual([...new Set(turns)].toSorted());
      const missing = ['1', '2', '3'].filter((turn) => !turns.includes(turn));
      expect(
        missing.filter((turn) => !interrupted.has(`${thread}-${turn}`)),
        `thread ${thread}: ${missing.map((turn) => texts.get(`${thread}-${turn}`)).join(' / ')}`,
      ).toEqual([]);
    }
    const [count] = await cluster.query(
      `select count(*)::int as turns, count(*) filter (where state = 'completed')::int as completed from turns`,
    );
    expect(count).toEqual({ turns: THREADS * TURNS, completed: THREADS * TURNS });
  }, 240_000);
});
