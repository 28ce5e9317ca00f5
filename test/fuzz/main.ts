import process from 'node:process';
import { type Alone, Caller, sendAlone } from './caller.js';
import { drawCase } from './draw-case.js';
import { many } from './draw.js';
import type { Finding } from './judge.js';
import { logFindings, megabytes, memoryFindings } from './judge-server.js';
import { Lane } from './lane.js';
import { type FuzzOptions, readOptions } from './options.js';
import { Pulse } from './pulse.js';
import { type FindingGroup, kindOf, Report } from './report.js';
import { command } from './reproduction.js';
import type { FuzzRequest } from './request.js';
import { smallest } from './shrink.js';
import { KEYS } from './target.js';

/** Callers of each server at a time. */
const CALLERS = 12;
/** How long a request may take while it is shrunk. */
const SHRINK_TIMEOUT_MS = 5000;
/** How many groups of findings are reported. */
const MAX_REPORTED_GROUPS = 12;

const print = (line: string): void => console.log(line);

/** Runs the test. The exit status: 0 when nothing was found. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  print(`fuzz test: seed ${options.seed}, ${options.requests} requests`);
  const lanes = await Promise.all([
    Lane.start({ seed: options.seed, letter: 'k', keys: KEYS, databaseUrl: options.databaseUrl }),
    Lane.start({ seed: options.seed, letter: 'o', keys: [], databaseUrl: undefined }),
  ]);
  const stalls = setInterval(stallWatch(), 250).unref();
  const startedAt = performance.now();
  const report = new Report();
  const groups = (await Promise.all(lanes.map((lane) => run(lane, options, report)))).flat();
  clearInterval(stalls);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  for (const line of report.lines()) print(line);
  for (const group of groups) print(told(group, options.seed));
  print(`seed: ${options.seed}`);
  print(`${report.cases} requests in ${seconds} s, ${groups.length} kinds of findings`);
  return groups.length === 0 && report.cases > 0 ? 0 : 1;
}

/** Sends a lane its share of the requests, looks at what is left of them, and stops its server. */
async function run(lane: Lane, options: FuzzOptions, whole: Report): Promise<readonly ReportedGroup[]> {
  const report = new Report();
  const watcher = {
    done: (...done: Parameters<Report['done']>) => {
      whole.done(...done);
      report.done(...done);
    },
    found: (findings: readonly Finding[]) => report.found(findings),
  };
  const share = Math.ceil(options.requests / 2);
  const send = async (from: number, to: number): Promise<void> => {
    const numbers = numbersOf(report, from, to);
    await Promise.all(many(CALLERS, () => new Caller(lane.target, watcher).work(numbers)));
  };
  void lane.server.exit.then(({ code, signal }) => {
    if (!isClosing) report.found([general('the server ended', `with ${signal ?? code}`)]);
  });
  let isClosing = false;
  const pulse = new Pulse(`http://127.0.0.1:${lane.target.port}`);
  const watched = pulse.watch().catch((error: unknown) => {
    report.found([general('takes no connection', String(error))]);
  });
  try {
    if (options.only !== undefined) {
      print(`${lane.name}: ${command(drawCase(options.only, lane.target.surroundings), options.seed)}`);
      await send(options.only, options.only + 1);
    } else {
      await send(0, share / 2);
      const half = await lane.memory();
      await send(share / 2, share);
      const memory = await lane.memory();
      if (share >= 2000) report.found(memoryFindings(half, memory));
      print(`${lane.name}: ${megabytes(half)} of memory after half of the requests, ${megabytes(memory)} at the end`);
    }
    report.found(pulse.stop());
    await watched;
    print(`${lane.name}: /healthz took ${pulse.longest} ms at most`);
    report.found(lane.target.ledger.findings(await lane.settled()));
    print(`${lane.name}: ${lane.target.ledger.turnsTold} turns told of, ${await lane.turnCount()} stored`);
    report.found(await healthFindings(lane));
    report.found(vacuityFindings(report));
    report.found(logFindings(lane.server.output(), lane.target.secrets));
    return await explained(lane, report.groups);
  } finally {
    pulse.stop();
    isClosing = true;
    const code = await lane.close();
    if (code !== 0) print(`${lane.name}: the server ended with ${code}`);
  }
}

/** Warns when this process was blocked for long: the times of that run are not valid then. */
function stallWatch(): () => void {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last > 3000) print(`this process stood still for ${((now - last) / 1000).toFixed(1)} s`);
    last = now;
  };
}

function* numbersOf(report: Report, from: number, to: number): Generator<number, void> {
  for (let number = Math.floor(from); number < to && !report.isHopeless; number += 1) yield number;
}

function general(rule: string, text: string): Finding {
  return { rule, text, shown: undefined };
}

/** Warns when nearly all requests were rejected: such a run proves little. */
function vacuityFindings({ cases, acceptedShare }: Report): readonly Finding[] {
  if (cases < 100 || acceptedShare > 0.2) return [];
  return [general('hardly anything is accepted', `${Math.round(acceptedShare * 100)} % of the requests`)];
}

/** Checks that the server still answers. */
async function healthFindings(lane: Lane): Promise<readonly Finding[]> {
  const { port, surroundings } = lane.target;
  const url = `http://127.0.0.1:${port}`;
  const key = surroundings.keys[0]?.key ?? 'none';
  const [health, readiness, message] = await Promise.all([
    fetch(`${url}/healthz`),
    fetch(`${url}/readyz`),
    fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo', max_tokens: 9, messages: [{ role: 'user', content: 'Are you well?' }] }),
    }),
  ]);
  return [health, readiness, message]
    .filter((response) => response.status !== 200)
    .map((response) => general('not healthy after all', `${response.url}: ${response.status}`));
}

/** A group of findings, the smallest request that shows them, and what the server logged. */
interface ReportedGroup extends FindingGroup {
  readonly lane: string;
  readonly log: readonly string[];
}

async function explained(lane: Lane, groups: readonly FindingGroup[]): Promise<readonly ReportedGroup[]> {
  const output = lane.server.output().split('\n');
  const all: ReportedGroup[] = [];
  for (const group of groups.slice(0, MAX_REPORTED_GROUPS)) {
    const id = /req_[0-9a-f]{24}/.exec(group.finding.text)?.[0];
    const log = id === undefined ? [] : output.filter((line) => line.includes(id) && line.includes('"err"'));
    all.push({ ...group, finding: await shrunk(lane, group.finding), lane: lane.name, log });
  }
  return all;
}

async function shrunk(lane: Lane, finding: Finding): Promise<Finding> {
  const { shown, rule } = finding;
  if (shown === undefined || shown.type === 'raw' || shown.leaves !== undefined) return finding;
  const { port } = lane.target;
  const shows = async (candidate: FuzzRequest): Promise<boolean> => {
    const before = rule === 'a turn for a refused request' ? await lane.turnCount() : 0;
    const alone = await sendAlone(port, candidate, lane.target, SHRINK_TIMEOUT_MS);
    if (rule === 'a turn for a refused request') return isRefused(alone) && (await lane.turnCount()) > before;
    return alone.findings.some((each) => kindOf(each) === kindOf(finding));
  };
  return { ...finding, shown: await smallest(shown, shows) };
}

function isRefused({ outcome }: Alone): boolean {
  return outcome.kind === 'answered' && outcome.answer.status >= 400;
}

function told({ finding, count, lane, log }: ReportedGroup, seed: number): string {
  const { rule, text, shown } = finding;
  return [
    `FOUND ${rule} (${count} times, ${lane}): ${text}`,
    ...(shown === undefined ? [] : [`      request ${shown.number} (${shown.kind}), as small as it gets:`]),
    ...(shown === undefined ? [] : [`      ${command(shown, seed)}`]),
    ...log.slice(0, 1).map((line) => `      the server's log: ${line.slice(0, 1200)}`),
  ].join('\n');
}

process.on('unhandledRejection', (error) => {
  throw error;
});
