import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole } from './caller.js';
import { expected, type NamedFault, withLane } from './fault.js';
import { type Finding, finding, judgeAnswer } from './judge.js';
import { Lane } from './lane.js';
import type { Scene } from './scenes.js';
import { keyHeader } from './tenants.js';

const ATTACHING = 200;
const AT_ONCE = 50;
/** Deltas of the turn that the sleepy caller does not read: several times what the connection's buffers hold. */
const MANY = 200_000;
/** What a caller that does not read may cost a server, in bytes; the turn itself is about 20 MB in memory while it runs. */
const MEMORY = 250 * 1024 * 1024;

function words(count: number, interval: number): Scene {
  return { prompt: `/stream ${count} ${interval}`, says: [], words: count, toolFile: undefined };
}

/** Callers come while the turn runs, half of them to a stream; all get the same message. */
export const attachingCallers: NamedFault = {
  title: `${ATTACHING} callers attach to one turn`,
  run: async ({ note }) =>
    withLane(await Lane.start(undefined), note, async (lane) => {
      const scene = words(60, 50);
      const headers = { 'x-chiron-thread-key': 'fault:attach' };
      const answers = await Promise.all(
        Array.from({ length: ATTACHING }, async (_, index) => {
          await delay(index * 10);
          const stream = index % 2 === 0;
          return callUntilWhole(lane.url, { prompt: scene.prompt, model: 'demo', headers, stream });
        }),
      );
      return [...answers.flatMap((answered) => judgeAnswer(answered, scene)), ...oneMessage(lane, answers)];
    }),
};

/** The same request many times in the same moment starts one turn. */
export function fiftyAtOnce({
  title,
  headers,
}: {
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
}): NamedFault {
  return {
    title: `the same request ${AT_ONCE} times at once, ${title}`,
    run: async ({ note }) =>
      withLane(await Lane.start(undefined), note, async (lane) => {
        const scene = words(20, 50);
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, (_, index) =>
            callUntilWhole(lane.url, { prompt: scene.prompt, model: 'demo', headers, stream: index % 3 !== 0 }),
          ),
        );
        return [...answers.flatMap((answered) => judgeAnswer(answered, scene)), ...oneMessage(lane, answers)];
      }),
  };
}

function oneMessage(
  lane: Lane,
  answers: readonly { readonly message: { readonly id: string } | undefined }[],
): readonly Finding[] {
  const ids = new Set(answers.map((answered) => answered.message?.id));
  const turns = lane.turnCount();
  return [
    ...(turns === 1 ? [] : [finding('turns run twice', `${turns} turns were started`)]),
    ...expected(ids.size === 1, `the callers got ${ids.size} different messages`),
  ];
}

/** A caller that asks and then reads nothing holds up nobody, costs no memory, and can still have its answer later. */
export const sleepyCaller: NamedFault = {
  title: 'a caller never reads',
  run: async ({ note }) =>
    withLane(await Lane.start(undefined), note, async (lane) => {
      const scene = words(MANY, 0);
      const key = 'fault:sleepy';
      const before = await residentBytes(lane.server.pid);
      const sleeper = askAndSleep(lane.url(), scene.prompt, key);
      const deadline = performance.now() + 30_000;
      let peak = 0;
      while (lane.newestState(key) !== 'completed' && performance.now() < deadline) {
        peak = Math.max(peak, (await residentBytes(lane.server.pid)) - before);
        await delay(50);
      }
      const state = lane.newestState(key);
      const other = words(5, 10);
      const call = { model: 'demo', stream: true };
      const second = await callUntilWhole(lane.url, { ...call, prompt: other.prompt, headers: {} });
      sleeper.destroy();
      const again = await callUntilWhole(lane.url, {
        ...call,
        prompt: scene.prompt,
        headers: { 'x-chiron-thread-key': key },
      });
      note(`the server grew by at most ${Math.round(peak / 1024 / 1024)} MB`);
      return [
        ...(state === 'completed' ? [] : [finding('turns lost', `the turn is ${String(state)} while nobody reads it`)]),
        ...judgeAnswer(second, other),
        ...judgeAnswer(again, scene),
        ...expected(lane.turnCount() === 2, `the store has ${lane.turnCount()} turns instead of two`),
        ...expected(peak < MEMORY, `the server grew by ${Math.round(peak / 1024 / 1024)} MB`),
      ];
    }),
};

/** Sends a request on a connection of its own and never reads from it. */
function askAndSleep(url: string, prompt: string, threadKey: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const messages = [{ role: 'user', content: prompt }];
  const body = JSON.stringify({ model: 'demo', max_tokens: 1024, stream: true, messages });
  const head = [
    'POST /v1/messages HTTP/1.1',
    `host: ${hostname}`,
    'content-type: application/json',
    `x-chiron-thread-key: ${threadKey}`,
    ...Object.entries(keyHeader(threadKey)).map((entry) => entry.join(': ')),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
