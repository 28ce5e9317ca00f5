import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole, send } from './caller.js';
import { expected, type NamedFault, withLane } from './fault.js';
import { finding, judgeAnswer, judgeTurns } from './judge.js';
import { Lane } from './lane.js';
import { AGENTS, MODEL_OF, sceneFor, timesRun } from './scenes.js';

/** Longest time between SIGTERM and the end of the process with a drain of one second, in milliseconds. */
const STOP_LIMIT = 8000;

/** How long the tools take: with less, an agent on a fast machine is done before the drain is over. */
const TOOL_SECONDS = 0.9;

/**
 * SIGTERM while every agent is in the middle of a turn: nothing new is taken on, a short turn is let finish, the others are told to
 * come back, and do.
 */
export const drain: NamedFault = {
  title: 'SIGTERM in the middle of turns',
  run: async ({ agents, note }) =>
    withLane(await Lane.start(agents, { CHIRON_DRAIN_SECONDS: '1' }), note, async (lane) => {
      const running = AGENTS.map((agent) => {
        const threadKey = `fault:drain-${agent}`;
        const tool = sceneFor(agent, 'tool', join(lane.traces, `${agent}.txt`), TOOL_SECONDS);
        const scene = agent === 'demo' ? { ...tool, prompt: '/stream 60 60', says: [], words: 60 } : tool;
        const headers = { 'x-chiron-thread-key': threadKey };
        const call = { prompt: scene.prompt, model: MODEL_OF[agent], headers, stream: true };
        return { agent, threadKey, scene, answering: callUntilWhole(lane.url, call) };
      });
      // The agents have begun, and need more than another second.
      await delay(700);
      const headers = { 'x-chiron-thread-key': 'fault:drain-short' };
      const short = callUntilWhole(lane.url, { prompt: '/stream 10 40', model: 'demo', headers, stream: true });
      await delay(150);
      const startedAt = performance.now();
      const stopping = lane.stop();
      await delay(250);
      const late = await send(
        lane.url(),
        { prompt: 'late', model: 'demo', headers: {}, stream: false },
        { milliseconds: 5000 },
      );
      const readiness = await fetch(`${lane.url()}/readyz`).then(
        (response) => response.status,
        () => 0,
      );
      const { code, left } = await stopping;
      const took = performance.now() - startedAt;
      const finishedBefore = lane.turns('fault:drain-short')[0]?.state;
      await lane.startServer();
      const findings = [
        ...expected(code === 0, `the server ended with ${String(code)}`),
        ...expected(took < STOP_LIMIT, `the server took ${Math.round(took)} ms to stop`),
        ...(left === 0 ? [] : [finding('processes left behind', `${left} processes`)]),
        ...expected(late.kind === 'refused' && late.status === 503, `a new request got ${JSON.stringify(late)}`),
        ...expected(late.kind === 'refused' && late.retryAfter !== undefined, 'the refusal has no retry-after'),
        ...expected(readiness === 503, `/readyz says ${readiness}`),
        ...expected(finishedBefore === 'completed', `the short turn was ${String(finishedBefore)} after the drain`),
        ...judgeAnswer(await short, { prompt: '', says: [], words: 10, toolFile: undefined }),
      ];
      for (const { agent, threadKey, scene, answering } of running) {
        const answered = await answering;
        note(`${agent}: ${JSON.stringify(answered.tries)}\n${JSON.stringify(lane.turns(threadKey))}`);
        const told = answered.tries.some((one) => one.kind === 'error' && one.type === 'overloaded_error');
        findings.push(
          ...expected(told, `the caller of ${agent} was not told overloaded_error`),
          ...judgeAnswer(answered, scene),
          ...judgeTurns(lane.turns(threadKey), scene, await timesRun(scene.toolFile ?? '')),
        );
      }
      return findings;
    }),
};
