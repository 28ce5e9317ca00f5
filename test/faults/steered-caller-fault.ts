import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole } from './caller.js';
import { expected, type NamedFault, withLane } from './fault.js';
import { type Finding, judgeAnswer } from './judge.js';
import { Lane } from './lane.js';

/** When the server is killed after the second caller's request, in milliseconds. */
const MOMENTS: readonly number[] = [0, 5, 30, 150];

/** The second caller's message goes to the running turn, the server is killed, and both callers get the message of that turn. */
export const steeredCallerSurvives: NamedFault = {
  title: 'the server is killed while a caller steers a running turn',
  run: async ({ note }) =>
    withLane(await Lane.start(undefined, { CHIRON_ON_BUSY: 'steer' }), note, async (lane) => {
      const findings: Finding[] = [];
      for (const moment of MOMENTS) {
        const key = `fault:steered-caller-${moment}`;
        const headers = { 'x-chiron-thread-key': key };
        const call = { model: 'demo', headers, stream: true };
        const first = callUntilWhole(lane.url, { ...call, prompt: '/stream 20 40' });
        await delay(200);
        const second = callUntilWhole(lane.url, { ...call, prompt: 'my wish' });
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
            `killed after ${moment} ms: ${ids.size} messages, ${turns.length} turns, and ${wishes} times the wish`,
          ),
        );
      }
      return findings;
    }),
};
