import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole, type Door } from './caller.js';
import { type Finding, finding, judgeAnswer, judgeTurns } from './judge.js';
import type { StoredTurn } from './lane.js';
import { type MarkedProcess, markedProcesses } from './processes.js';
import { type Random, randomOf } from './random.js';
import { type Agent, MODEL_OF, type Scene, type SceneName, sceneFor, timesRun } from './scenes.js';

/** The servers of kill points, on one store, and what the kill points do with them. */
export interface KillLane {
  /** Where agents leave their traces. */
  readonly traces: string;
  /** What the threads' processes are known by. */
  readonly dataDirectory: string;
  /** Where the next request goes. */
  readonly url: () => string;
  /** The process of the server that runs a thread; `undefined` as long as none does. */
  serverOf(threadKey: string): Promise<number | undefined>;
  /** Kills that server. Resolves to how many processes of its agents outlive it. */
  kill(threadKey: string): Promise<number>;
  /** Starts what has to run for the turn to go on. Rejects when it does not get ready. */
  revive(): Promise<void>;
  /** Has everything run again, once the turn was answered. */
  settle(): Promise<void>;
  /** The turns of a thread, oldest first. */
  turns(threadKey: string): readonly StoredTurn[] | Promise<readonly StoredTurn[]>;
  /** What the servers have printed since the last call. */
  takeOutput(): string;
  /** Takes everything down: how many processes were left, and what is wrong with the store. */
  close(): Promise<{ readonly left: number; readonly problem: string | undefined }>;
}

/** One moment at which something is killed. */
export interface KillPoint {
  readonly number: number;
  readonly agent: Agent;
  readonly scene: SceneName;
  readonly victim: 'server' | 'harness';
  /** When, as a part of how long the turn takes. */
  readonly moment: number;
  /** Which of the harness's processes, where it has several. */
  readonly choice: number;
  /** Whether the thread has had a turn before, so that its process is warm. */
  readonly isSecondTurn: boolean;
  readonly stream: boolean;
  /** The API that the caller speaks. */
  readonly door: Door;
}

/** How long a turn of a kind takes without faults, in milliseconds. */
export type Durations = ReadonlyMap<string, number>;

/** A little more than the whole turn, so that its very end is hit, too. */
const LONGEST_MOMENT = 1.05;
const HARNESS_WAIT = 3000;
/** How many of the callers speak the Responses API. The turns below the APIs are the same. */
const RESPONSES_PART = 0.35;

/** The kill points of a run; the first ones of a seed are the same however many there are. */
export function drawKillPoints(seed: number, count: number, agents: readonly Agent[]): readonly KillPoint[] {
  return Array.from({ length: count }, (_, index) => drawKillPoint(randomOf(seed * 4099 + index), index + 1, agents));
}

function drawKillPoint(random: Random, number: number, agents: readonly Agent[]): KillPoint {
  // In turn, so that every run has a good part of each.
  const agent = agents[number % agents.length] ?? 'demo';
  const harnessDies = random.next() < 0.4;
  return {
    number,
    agent,
    scene: random.pick(['words', 'tool', 'tool']),
    // The demo agent has no process of its own.
    victim: harnessDies && agent !== 'demo' ? 'harness' : 'server',
    moment: random.next() * LONGEST_MOMENT,
    choice: random.next(),
    isSecondTurn: random.next() < 0.3,
    stream: random.next() < 0.8,
    // Drawn last: what a seed draws besides stays as it was.
    door: random.next() < RESPONSES_PART ? 'responses' : 'messages',
  };
}

/** One line about a kill point. */
export function titleOf(point: KillPoint): string {
  const turn = point.isSecondTurn ? 'second turn' : 'first turn';
  const how = point.stream ? 'streaming' : 'whole';
  const when = `${Math.round(point.moment * 100)} %`;
  return `kill point ${point.number}: ${point.agent}, ${point.scene}, ${turn}, ${how}, by ${point.door}; the ${point.victim} dies at ${when}`;
}

/** Name of a kind of turn in {@link Durations}. */
export function kindOf(point: Pick<KillPoint, 'agent' | 'scene' | 'isSecondTurn'>): string {
  return `${point.agent} ${point.scene} ${point.isSecondTurn ? 'warm' : 'cold'}`;
}

/** Runs a turn without any fault. What is wrong with it, and how long it took. */
export async function runUndisturbed(
  lane: KillLane,
  point: Pick<KillPoint, 'agent' | 'scene' | 'isSecondTurn' | 'stream' | 'door'>,
  threadKey: string,
): Promise<{ readonly findings: readonly Finding[]; readonly milliseconds: number }> {
  const findings = point.isSecondTurn ? [...(await firstTurn(lane, point.agent, threadKey))] : [];
  const scene = sceneOf(lane, point, threadKey);
  const startedAt = performance.now();
  const answered = await call(lane, point, scene, threadKey);
  const milliseconds = performance.now() - startedAt;
  findings.push(...judgeAnswer(answered, scene), ...(await judgeStored(lane, point, scene, threadKey)));
  return { findings, milliseconds };
}

/** Runs a turn, kills what is to die, and lets the caller do what a real one does. */
export async function runKillPoint(
  lane: KillLane,
  point: KillPoint,
  threadKey: string,
  durations: Durations,
): Promise<readonly Finding[]> {
  const findings = point.isSecondTurn ? [...(await firstTurn(lane, point.agent, threadKey))] : [];
  const scene = sceneOf(lane, point, threadKey);
  const answering = call(lane, point, scene, threadKey);
  await delay(point.moment * (durations.get(kindOf(point)) ?? 0));
  findings.push(...(await kill(lane, point, threadKey)));
  const answered = await answering;
  findings.push(...judgeAnswer(answered, scene), ...(await judgeStored(lane, point, scene, threadKey)));
  await lane.settle();
  return findings.length === 0
    ? findings
    : [...findings, finding('other faults', `the caller's tries: ${JSON.stringify(answered.tries)}`)];
}

function sceneOf(lane: KillLane, { agent, scene }: Pick<KillPoint, 'agent' | 'scene'>, threadKey: string): Scene {
  return sceneFor(agent, scene, join(lane.traces, `${threadKey.replace(/\W/g, '-')}.txt`));
}

function call(lane: KillLane, point: Pick<KillPoint, 'agent' | 'stream' | 'door'>, scene: Scene, threadKey: string) {
  const headers = { 'x-chiron-thread-key': threadKey };
  return callUntilWhole(lane.url, {
    prompt: scene.prompt,
    model: MODEL_OF[point.agent],
    headers,
    stream: point.stream,
    door: point.door,
  });
}

async function firstTurn(lane: KillLane, agent: Agent, threadKey: string): Promise<readonly Finding[]> {
  const prompt = agent === 'demo' ? 'hello' : 'SCENE:text hello';
  const headers = { 'x-chiron-thread-key': threadKey };
  const { message } = await callUntilWhole(lane.url, { prompt, model: MODEL_OF[agent], headers, stream: true });
  return message === undefined ? [finding('turns lost', 'the first turn of the thread did not work')] : [];
}

async function judgeStored(
  lane: KillLane,
  point: Pick<KillPoint, 'isSecondTurn'>,
  scene: Scene,
  threadKey: string,
): Promise<readonly Finding[]> {
  const times = scene.toolFile === undefined ? 0 : await timesRun(scene.toolFile);
  return judgeTurns((await lane.turns(threadKey)).slice(point.isSecondTurn ? 1 : 0), scene, times);
}

async function kill(lane: KillLane, point: KillPoint, threadKey: string): Promise<readonly Finding[]> {
  if (point.victim === 'harness') return killHarness(lane, point, threadKey);
  const left = await lane.kill(threadKey);
  const findings = left === 0 ? [] : [finding('processes left behind', `${left} processes outlived their server`)];
  try {
    await lane.revive();
  } catch (error) {
    findings.push(finding('stores that do not open', String(error)));
  }
  return findings;
}

/** Kills one process of the thread's harness; before it is there it is waited for, and killed as soon as it is. */
async function killHarness(lane: KillLane, point: KillPoint, threadKey: string): Promise<readonly Finding[]> {
  const deadline = performance.now() + HARNESS_WAIT;
  for (;;) {
    const server = (await lane.serverOf(threadKey)) ?? 0;
    const found = harnessOf(await markedProcesses(lane.dataDirectory, server), server, threadKey);
    const victim = found[Math.floor(point.choice * found.length)];
    if (victim !== undefined && endAtOnce(victim.pid)) return [];
    if (performance.now() > deadline) return [finding('other faults', 'there was no harness to kill')];
    await delay(10);
  }
}

/** The server's own child, and for a CLI behind a launcher or in a sandbox the program itself; not the tools that it runs. */
function harnessOf(processes: readonly MarkedProcess[], server: number, threadKey: string): readonly MarkedProcess[] {
  const ours = processes.filter((one) => one.threadKey === threadKey);
  const leaders = ours.filter((one) => one.parent === server);
  const isCli = ({ program }: MarkedProcess): boolean => /^(?:codex|claude|copilot)/.test(program);
  const launched = ours.filter((one) => isCli(one) && ours.some((other) => other.pid === one.parent && !isCli(other)));
  return [...leaders, ...launched];
}

/** False when it is gone already. */
function endAtOnce(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
