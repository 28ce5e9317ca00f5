import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole, type Cut, type Door } from './caller.js';
import { expected, type NamedFault, withLane } from './fault.js';
import { type Finding, judgeAnswer, judgeTurns } from './judge.js';
import { Lane } from './lane.js';
import { markedProcesses } from './processes.js';
import { type Agent, AGENTS, MODEL_OF, sceneFor, timesRun } from './scenes.js';

/** The caller's connection is cut at this point of a turn with a tool, and the caller sends its request again. */
export function connectionCut(cut: Cut, door: Door = 'messages'): NamedFault {
  return {
    title: `the connection is cut ${cut}${door === 'messages' ? '' : `, by ${door}`}`,
    run: async ({ agents, note }) =>
      withLane(await Lane.start(agents), note, async (lane) => {
        const findings = await Promise.all(AGENTS.map((agent) => cutTurn(lane, agent, { cut, door }, note)));
        return findings.flat();
      }),
  };
}

async function cutTurn(
  lane: Lane,
  agent: Agent,
  { cut, door }: { readonly cut: Cut; readonly door: Door },
  note: (text: string) => void,
): Promise<readonly Finding[]> {
  const threadKey = `fault:cut-${agent}`;
  const scene = sceneFor(agent, 'tool', join(lane.traces, `${agent}.txt`));
  const headers = {
    'x-chiron-thread-key': threadKey,
    // Who has the whole answer and says the same again means it again, unless a key tells that it is the same.
    ...(cut === 'after the last event' ? { 'idempotency-key': 'cut' } : {}),
  };
  const answered = await callUntilWhole(lane.url, {
    prompt: scene.prompt,
    model: MODEL_OF[agent],
    headers,
    stream: true,
    door,
    cut,
  });
  note(`${agent}: ${JSON.stringify(answered.tries)}`);
  const turns = lane.turns(threadKey);
  return [
    ...judgeAnswer(answered, scene),
    ...judgeTurns(turns, scene, await timesRun(scene.toolFile ?? '')),
    ...expected(answered.tries.length === 2, `there were ${answered.tries.length} tries instead of two`),
    ...expected(turns[0]?.attempt === 1, 'the turn had more than one attempt'),
  ];
}

/** A warm process is killed between two turns; the next turn must not notice. */
export const idleHarnessDies: NamedFault = {
  title: 'the harness dies between two turns',
  run: async ({ agents, note }) =>
    withLane(await Lane.start(agents), note, async (lane) => {
      const findings: Finding[] = [];
      for (const agent of ['claude-code', 'codex'] as const) {
        const threadKey = `fault:idle-${agent}`;
        const headers = { 'x-chiron-thread-key': threadKey };
        const call = { model: MODEL_OF[agent], headers, stream: true };
        await callUntilWhole(lane.url, { ...call, prompt: 'SCENE:text hello' });
        for (const { pid, parent } of await markedProcesses(lane.dataDirectory, lane.server.pid)) {
          if (parent === lane.server.pid) process.kill(pid, 'SIGKILL');
        }
        const scene = sceneFor(agent, 'tool', join(lane.traces, `${agent}.txt`));
        const answered = await callUntilWhole(lane.url, { ...call, prompt: scene.prompt });
        note(`${agent}: ${JSON.stringify(answered.tries)}`);
        const turns = lane.turns(threadKey);
        findings.push(
          ...judgeAnswer(answered, scene),
          ...judgeTurns(turns.slice(1), scene, await timesRun(scene.toolFile ?? '')),
          ...expected(answered.tries.length === 1, 'the caller had to try again'),
        );
      }
      return findings;
    }),
};

/** Turns that wait behind a running one are run after the crash, in their order, each once. */
export const queueSurvives: NamedFault = {
  title: 'the server is killed while turns wait behind a running one',
  run: async ({ note }) =>
    withLane(await Lane.start(undefined), note, async (lane) => {
      const headers = { 'x-chiron-thread-key': 'fault:queue' };
      const prompts = ['/stream 20 50', 'the second', 'the third', 'the fourth'];
      const answering = [];
      for (const prompt of prompts) {
        answering.push(callUntilWhole(lane.url, { prompt, model: 'demo', headers, stream: true }));
        await delay(60);
      }
      await lane.kill();
      await lane.startServer();
      const answers = await Promise.all(answering);
      const turns = lane.turns('fault:queue');
      note(JSON.stringify(turns));
      return [
        ...answers.flatMap((answered, index) =>
          judgeAnswer(answered, { prompt: '', says: [], words: index === 0 ? 20 : 0, toolFile: undefined }),
        ),
        ...expected(turns.length === prompts.length, `the store has ${turns.length} turns`),
        ...expected(
          turns.every((turn, index) => turn.message?.includes(index === 0 ? 'word19' : `You said: ${prompts[index]}`)),
          'the turns are not in the order in which they were asked for',
        ),
      ];
    }),
};
