import { setTimeout as delay } from 'node:timers/promises';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedChatModel } from '../support/scripted-model/chat-completions.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import { findClaude, findCodex } from './commands.js';
import { finding, type Finding } from './judge.js';
import {
  drawKillPoints,
  type Durations,
  type KillLane,
  kindOf,
  type KillPoint,
  runKillPoint,
  runUndisturbed,
  titleOf,
} from './kill-points.js';
import type { RealAgents } from './agent-settings.js';
import { Lane } from './lane.js';
import { PairLane } from './pair-lane.js';
import { Skip } from './fault.js';
import { NAMED_FAULTS } from './named-faults.js';
import { type FaultOptions, readOptions } from './options.js';
import { Report } from './report.js';
import { ACP_AGENT, type Agent, AGENTS } from './scenes.js';
import { useSpares } from './spares.js';
import { removeTemplate, useTenants } from './tenants.js';

/** How many kill points are worked on at once, each on servers of its own: most of a turn is waiting. */
const LANES = 2;
/** Longest time of one scenario, in milliseconds; a suite that hangs says nothing. */
const SCENARIO_LIMIT = 150_000;

/** Runs the suite. The exit status: 0 when nothing was lost, repeated or left. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (process.platform !== 'linux')
    throw new Error('the fault suite finds the processes to kill in /proc: it needs Linux');
  const print = (line: string): void => console.log(line);
  const servers = `${options.isPair ? ', on two servers' : ''}${options.hasTenants ? ', with tenants' : ''}${options.hasSpares ? ', with spare processes' : ''}${options.isAcp ? ', with an agent of the Agent Client Protocol' : ''}`;
  if (options.hasTenants) useTenants();
  if (options.hasSpares) useSpares();
  print(`fault suite: seed ${options.seed}, ${options.kills} kill points${servers}`);
  const report = new Report(print);
  const [anthropic, responses, acp] = await Promise.all([
    startScriptedAnthropicModel(),
    startScriptedResponsesModel(),
    options.isAcp ? startScriptedChatModel() : undefined,
  ]);
  const agents: RealAgents = { claudeCommand: findClaude(), codexCommand: findCodex(), anthropic, responses, acp };
  try {
    if (options.only === undefined && !options.random && !options.isPair && !options.isAcp)
      await runNamedFaults(options, agents, report);
    if (options.named === undefined && (options.kills > 0 || options.only !== undefined))
      await runKillPoints(options, agents, report);
  } finally {
    await Promise.all([anthropic.close(), responses.close(), acp?.close(), removeTemplate()]);
  }
  report.end(options.seed);
  return report.failed === 0 ? 0 : 1;
}

async function runNamedFaults({ seed, named = '' }: FaultOptions, agents: RealAgents, report: Report): Promise<void> {
  for (const { title, run } of NAMED_FAULTS.filter((fault) => fault.title.includes(named))) {
    const startedAt = performance.now();
    const notes: string[] = [];
    try {
      const findings = await inTime(run({ agents, note: (text) => void notes.push(text) }));
      if (findings.length === 0) report.passed(title, performance.now() - startedAt);
      else report.fault({ seed, title, findings, evidence: notes.join('\n') });
    } catch (error) {
      if (error instanceof Skip) report.skipped(title, error.message);
      else report.fault({ seed, title, findings: [crashed(error)], evidence: notes.join('\n') });
    }
  }
}

async function runKillPoints(options: FaultOptions, agents: RealAgents, report: Report): Promise<void> {
  const points = drawKillPoints(options.seed, Math.max(options.kills, options.only ?? 0), agentsOf(options));
  const wanted = points.filter((point) => options.only === undefined || point.number === options.only);
  const durations = await measure(agents, options, report);
  const queue = [...wanted];
  await Promise.all(
    Array.from({ length: Math.min(LANES, wanted.length) }, () =>
      workOff(queue, { options, agents, report, durations }),
    ),
  );
}

interface Work {
  readonly options: FaultOptions;
  readonly agents: RealAgents;
  readonly report: Report;
  readonly durations: Durations;
}

/** Takes kill points from the queue until it is empty; a lane on which one failed is not used for the next. */
async function workOff(queue: KillPoint[], { options, agents, report, durations }: Work): Promise<void> {
  let lane: KillLane | undefined;
  for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
    const title = titleOf(point);
    const threadKey = `fault:${options.seed}-${point.number}`;
    const startedAt = performance.now();
    lane ??= await startLane(agents, options);
    const findings = [
      ...(await inTime(runKillPoint(lane, point, threadKey, durations)).catch((error: unknown) => [crashed(error)])),
    ];
    if (findings.length === 0) {
      lane.takeOutput();
      report.passed(title, performance.now() - startedAt);
      continue;
    }
    report.fault({ seed: options.seed, title, findings, evidence: await evidenceOf(lane, threadKey) });
    await closeLane(lane, report, options.seed);
    lane = undefined;
  }
  if (lane !== undefined) await closeLane(lane, report, options.seed);
}

function startLane(agents: RealAgents, { isPair }: FaultOptions): Promise<KillLane> {
  return isPair ? PairLane.start(agents) : Lane.start(agents);
}

async function closeLane(lane: KillLane, report: Report, seed: number): Promise<void> {
  const title = 'the servers of the kill points end, and leave nothing but a good store';
  const startedAt = performance.now();
  const { left, problem } = await lane.close();
  const findings: readonly Finding[] = [
    ...(left === 0 ? [] : [finding('processes left behind', `${left} processes outlived the last server`)]),
    ...(problem === undefined ? [] : [finding('stores that do not open', problem)]),
  ];
  if (findings.length === 0) report.passed(title, performance.now() - startedAt);
  else report.fault({ seed, title, findings, evidence: lane.takeOutput() });
}

/** How long turns take without a fault, so that faults can be spread over them; they must be right in the first place. */
async function measure(agents: RealAgents, options: FaultOptions, report: Report): Promise<Durations> {
  const { seed } = options;
  const lane = await startLane(agents, options);
  const durations = new Map<string, number>();
  for (const agent of agentsOf(options)) {
    for (const scene of ['words', 'tool'] as const) {
      for (const isSecondTurn of [false, true]) {
        const kind = { agent, scene, isSecondTurn, stream: true, door: 'messages' } as const;
        const title = `without a fault: ${kindOf(kind)}`;
        const threadKey = `fault:measure-${kindOf(kind).replaceAll(' ', '-')}`;
        const { findings, milliseconds } = await runUndisturbed(lane, kind, threadKey);
        durations.set(kindOf(kind), milliseconds);
        if (findings.length === 0) report.passed(title, milliseconds);
        else report.fault({ seed, title, findings, evidence: await evidenceOf(lane, threadKey) });
      }
    }
  }
  await closeLane(lane, report, seed);
  return durations;
}

/** The agents of the kill points. */
function agentsOf({ isAcp }: FaultOptions): readonly Agent[] {
  return isAcp ? [ACP_AGENT] : AGENTS;
}

async function evidenceOf(lane: KillLane, threadKey: string): Promise<string> {
  let turns: string;
  try {
    turns = (await lane.turns(threadKey))
      .map(({ events, ...turn }) => [JSON.stringify(turn), ...events].join('\n'))
      .join('\n');
  } catch (error) {
    turns = `the store cannot be read: ${String(error)}`;
  }
  return `${turns}\n${lane.takeOutput()}`;
}

function crashed(error: unknown): Finding {
  return finding('other faults', error instanceof Error ? (error.stack ?? error.message) : String(error));
}

async function inTime<T>(scenario: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = delay(SCENARIO_LIMIT, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`the scenario was not over after ${SCENARIO_LIMIT / 1000} s`);
  });
  try {
    return await Promise.race([scenario, late]);
  } finally {
    limit.abort();
    late.catch(() => undefined);
  }
}
