import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole } from './caller.js';
import { expected, type NamedFault, withLane } from './fault.js';
import { type Finding, judgeAnswer } from './judge.js';
import { Lane } from './lane.js';

interface Moment {
  /** When the server is killed after the second caller's request, in milliseconds. */
  readonly moment: number;
  /** Who comes back only when the other one has had the answer for long. */
  readonly late?: 'first' | 'second';
}

const MOMENTS: readonly Moment[] = [
  ...[0, 5, 30, 150].map((moment) => ({ moment })),
  { moment: 150, late: 'first' },
  { moment: 150, late: 'second' },
];

/** Longer than a start of the server and the turn take together. */
const LATE_MS = 6000;

/** The second caller's message goes to the running turn, the server is killed, and both callers get the message of that turn. */
export const steeredCallerSurvives: NamedFault = {
  title: 'the server is killed while a caller steers a running turn',
  run: async ({ note }) =>
    withLane(await Lane.start(undefined, { CHIRON_ON_BUSY: 'steer' }), note, async (lane) => {
      const findings: Finding[] = [];
      for (const { moment, late } of MOMENTS) {
        const key = `fault:steered-caller-${moment}${late ?? ''}`;
        const pauseOf = (caller: Moment['late']) => (caller === late ? { firstPauseMs: LATE_MS } : {});
        const headers = { 'x-chiron-thread-key': key };
        const call = { model: 'demo', headers, stream: true };
        const first = callUntilWhole(lane.url, { ...call, ...pauseOf('first'), prompt: '/stream 20 40' });
        await delay(200);
        const second = callUntilWhole(lane.url, { ...call, ...pauseOf('second'), prompt: 'my wish' });
        await delay(moment);
        await lane.kill();
        await lane.startServer();
        const answers = await Promise.all([first, second]);
        const turns = lane.turns(key);
        note(`${key}: ${JSON.stringify(turns)}`);
        const wishes =
          JSON.stringify(turns.map(({ message, prompt }) => [prompt, message])).split('my wish').length - 1;
        const ids = new Set(answers.map(({ message }) => message?.id));
        findings.push(
          ...answers.flatMap((answered, index) =>
            // A message that was not stored before the server died may start a turn of its own.
            ids.size === 1 || index === 0
              ? judgeAnswer(answered, { prompt: '', says: [], words: 20, toolFile: undefined })
              : judgeAnswer(answered, { prompt: '', says: [/You said: my wish/g], words: 0, toolFile: undefined }),
          ),
          ...expected(
            ids.size === turns.length && wishes === (ids.size === 1 ? 1 : 2),
            `killed after ${moment} ms, ${late ?? 'none'} late: ${ids.size} messages, ${turns.length} turns, and ${wishes} times the wish`,
          ),
        );
      }
      return findings;
    }),
};
