import { setTimeout as delay } from 'node:timers/promises';
import { expected, type NamedFault, withLane } from './fault.js';
import type { Finding } from './judge.js';
import { Lane } from './lane.js';
import { keyHeader } from './tenants.js';

/** When the server is killed after the results were sent, in milliseconds: before they are stored, taken, answered, and after all of that. */
const MOMENTS: readonly number[] = [0, 1, 2, 4, 7, 12, 25, 60];

/** How long a caller goes on trying, in milliseconds. */
const PATIENCE = 15_000;

const TOOLS = [{ name: 'weather', input_schema: { type: 'object' } }];
const PROMPT = '/call weather {"city":"Paris"}\n/call weather {"city":"Rome"}';

interface Answer {
  readonly id: string;
  readonly stop_reason: string;
  readonly content: readonly { readonly type: string; readonly id?: string; readonly text?: string }[];
}

/**
 * A turn waits for two results of its caller's tools, and the server is killed: while it waits, or while the results arrive. The caller's
 * retry gets one answer, in which the agent has heard each result once.
 */
export const parkedKill: NamedFault = {
  title: 'the server is killed while a turn waits for its caller’s tools, and while the results arrive',
  run: async ({ note }) =>
    withLane(await Lane.start(undefined), note, async (lane) => {
      const findings: Finding[] = [];
      for (const moment of MOMENTS) findings.push(...(await killAt(lane, moment, note)));
      return findings;
    }),
};

async function killAt(lane: Lane, moment: number, note: (text: string) => void): Promise<readonly Finding[]> {
  const key = `fault:parked-${moment}`;
  const called = await ask(lane, key, PROMPT);
  await lane.kill();
  await lane.startServer();
  const calls = called?.content.flatMap(({ type, id }) => (type === 'tool_use' && id !== undefined ? [id] : [])) ?? [];
  const results = calls.map((id) => ({ type: 'tool_result', tool_use_id: id, content: `sunny-${id}-` }));
  const first = ask(lane, key, results, 'results');
  await delay(moment);
  await lane.kill();
  await first;
  await lane.startServer();
  const deadline = performance.now() + PATIENCE;
  let answer: Answer | undefined;
  while (answer === undefined && performance.now() < deadline) answer = await ask(lane, key, results, 'results');
  const told = answer?.content.map(({ text = '' }) => text).join('') ?? '';
  const times = calls.map((id) => told.split(`sunny-${id}-`).length - 1);
  const turns = lane.turns(key).length;
  const isRight = calls.length === 2 && times.every((count) => count === 1) && turns === 2;
  if (!isRight) note(`${key}: ${JSON.stringify([called, answer, lane.turns(key)])}`);
  return [
    ...expected(calls.length === 2, `killed after ${moment} ms: the turn made ${calls.length} calls`),
    ...expected(answer?.stop_reason === 'end_turn', `killed after ${moment} ms: the results got no answer`),
    ...expected(
      times.every((count) => count === 1),
      `killed after ${moment} ms: the results were heard ${times.join(' and ')} times`,
    ),
    ...expected(turns === 2, `killed after ${moment} ms: the thread has ${turns} turns`),
  ];
}

/** `undefined` when the server was gone before it answered, or refused. */
async function ask(lane: Lane, key: string, content: unknown, idempotencyKey?: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(`${lane.url()}/v1/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-chiron-thread-key': key,
        ...keyHeader(key),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify({ model: 'demo', max_tokens: 1000, messages: [{ role: 'user', content }], tools: TOOLS }),
    });
    const body: unknown = await response.json();
    // What the server answers is checked by the counts of the fault.
    return response.ok ? (body as Answer) : undefined;
  } catch {
    return undefined;
  }
}
