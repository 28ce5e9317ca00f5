import { setTimeout as delay } from 'node:timers/promises';
import { expected, type NamedFault, withLane } from './fault.js';
import type { Finding } from './judge.js';
import { Lane, type StoredTurn } from './lane.js';
import { keyHeader } from './tenants.js';

/** When the server is killed after a message was sent, in milliseconds: before it is stored, assigned, heard, and after all of that. */
const MOMENTS: readonly number[] = [0, 1, 2, 4, 7, 12, 25, 60];

/** How long a turn may take until it has ended, in milliseconds. */
const PATIENCE = 15_000;

/** The turn into which the message goes: twenty words in 800 ms. */
const PROMPT = '/stream 20 40';

/** A message is appended to a running turn, and the server is killed: its words are heard once, by that turn or by the next one. */
export function steeringKill(awaitsAnswer: boolean): NamedFault {
  const when = awaitsAnswer ? 'after a message for a running turn was accepted' : 'while a running turn gets a message';
  return {
    title: `the server is killed ${when}`,
    run: async ({ note }) =>
      withLane(await Lane.start(undefined), note, async (lane) => {
        const findings: Finding[] = [];
        for (const moment of MOMENTS) findings.push(...(await killAt(lane, moment, awaitsAnswer, note)));
        return findings;
      }),
  };
}

async function killAt(
  lane: Lane,
  moment: number,
  awaitsAnswer: boolean,
  note: (text: string) => void,
): Promise<readonly Finding[]> {
  const key = `fault:steer-${awaitsAnswer ? 'after' : 'during'}-${moment}`;
  const words = `WISH-${moment}-`;
  const append = (): Promise<boolean> =>
    post(lane, key, '/messages', {
      messages: [{ client_message_id: 'm', role: 'user', parts: [{ type: 'text', text: words }] }],
    });
  await post(lane, key, '', { harness_type: 'demo' });
  await post(lane, key, '/execute', { input_lines: [PROMPT] });
  await delay(200);
  const appending = append();
  if (awaitsAnswer) await appending;
  await delay(moment);
  await lane.kill();
  const wasAccepted = await appending;
  await lane.startServer();
  // A client that had no answer sends its message again.
  if (!wasAccepted) await append();
  await untilEnded(lane, key);
  await post(lane, key, '/execute', { input_lines: ['the next input'] });
  await untilEnded(lane, key);
  const turns = lane.turns(key);
  const times = turns.map((turn) => timesHeard(turn, words)).reduce((one, other) => one + other, 0);
  if (times !== 1) note(`${key}: ${JSON.stringify(turns)}`);
  const streamed = turns[0]?.message?.match(/word\d+/g)?.join(' ');
  return [
    ...expected(times === 1, `killed after ${moment} ms: the words were heard ${times} times`),
    ...expected(turns.length === 2, `killed after ${moment} ms: the thread has ${turns.length} turns`),
    ...expected(streamed?.endsWith('word19') === true, `killed after ${moment} ms: the turn was not finished`),
  ];
}

/** How often a turn gave the words to its agent: with its prompt, and while it ran. */
function timesHeard({ prompt, message }: StoredTurn, words: string): number {
  const meanwhile = message?.split(`Meanwhile you said: ${words}`).length ?? 1;
  return prompt.split(words).length - 1 + meanwhile - 1;
}

/** False when the server was gone before it answered. */
async function post(lane: Lane, key: string, rest: string, body: object): Promise<boolean> {
  try {
    const response = await fetch(`${lane.url()}/api/session/${encodeURIComponent(key)}${rest}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keyHeader(key) },
      body: JSON.stringify(body),
    });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

async function untilEnded(lane: Lane, key: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (performance.now() < deadline) {
    const state = lane.newestState(key);
    if (state !== 'queued' && state !== 'running') return;
    await delay(20);
  }
}
