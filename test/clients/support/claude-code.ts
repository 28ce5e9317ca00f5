import { spawn } from 'node:child_process';
import { newFolder } from './folders.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from './json.js';
import { CLAUDE_CODE } from './programs.js';

const RUN_MS = 50_000;
const AS_EVENTS = ['--output-format', 'stream-json', '--verbose'];

/** Claude Code on the caller's machine, with its own home and working directory, connected to Chiron. */
export interface ClaudeCodeCaller {
  readonly workingDirectory: string;
  /** Runs `claude -p <prompt>` to its end. Its own permissions allow every tool, so only Chiron prevents that they run. */
  ask(prompt: string, ...more: readonly string[]): Promise<ClaudeCodeRun>;
  /** The same with this timeout, in milliseconds. */
  askPatiently(prompt: string, milliseconds: number): Promise<ClaudeCodeRun>;
  /** Runs `claude` with these arguments to its end, and resolves with what it printed; rejects when it fails. */
  print(...args: readonly string[]): Promise<string>;
  /** The same caller, with the same home, at another address. */
  to(url: string): ClaudeCodeCaller;
}

/** The stream-json output of one run of Claude Code. */
export interface ClaudeCodeRun {
  readonly exitCode: number | null;
  readonly sessionId: string;
  /** The content blocks of its assistant messages, in order. */
  readonly blocks: readonly JsonRecord[];
  /** The line of type `result`. */
  readonly result: JsonRecord;
  /** How often it retried a request. */
  readonly retries: number;
  /** The output of inner tools, from the `mcp_tool_result` blocks. */
  readonly toolOutput: string;
}

/** Creates a caller with an empty home, configured with Chiron's address only. `program` is the newest Claude Code by default, `folder` a new one. */
export async function newClaudeCode(
  url: string,
  environment: Readonly<Record<string, string>> = {},
  program: string = CLAUDE_CODE,
  folder?: string,
): Promise<ClaudeCodeCaller> {
  const home = await newFolder('home');
  const workingDirectory = folder ?? (await newFolder('caller'));
  return callerAt(program, url, workingDirectory, {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: home,
    ANTHROPIC_API_KEY: 'a-key-of-the-caller',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    // Otherwise it rejects `bypassPermissions` as root.
    IS_SANDBOX: '1',
    ...environment,
  });
}

function callerAt(
  program: string,
  url: string,
  workingDirectory: string,
  variables: Readonly<Record<string, string>>,
): ClaudeCodeCaller {
  const start = (args: readonly string[], milliseconds = RUN_MS) => {
    const environment = { ...variables, ANTHROPIC_BASE_URL: url };
    return run(
      program,
      [...args, '--permission-mode', 'bypassPermissions'],
      workingDirectory,
      environment,
      milliseconds,
    );
  };
  return {
    workingDirectory,
    ask: async (prompt, ...more) => readRun(await start(['-p', prompt, ...more, ...AS_EVENTS])),
    askPatiently: async (prompt, milliseconds) => readRun(await start(['-p', prompt, ...AS_EVENTS], milliseconds)),
    print: async (...args) => {
      const { exitCode, printed, complaints } = await start(args);
      if (exitCode !== 0) throw new Error(`Claude Code failed (exit ${exitCode}):\n${printed}\n${complaints}`);
      return printed;
    },
    to: (otherUrl) => callerAt(program, otherUrl, workingDirectory, variables),
  };
}

interface Ended {
  readonly exitCode: number | null;
  readonly printed: string;
  readonly complaints: string;
}

async function run(
  program: string,
  args: readonly string[],
  workingDirectory: string,
  variables: Readonly<Record<string, string>>,
  timeout: number,
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd: workingDirectory,
    env: variables,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  });
  let [printed, complaints] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, printed, complaints };
}

function readRun({ exitCode, printed, complaints }: Ended): ClaudeCodeRun {
  const lines = printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
    .filter(isRecord);
  const result = lines.find((line) => line['type'] === 'result');
  if (result === undefined)
    throw new Error(`Claude Code gave no result (exit ${exitCode}):\n${printed}\n${complaints}`);
  const messages = lines.filter((line) => line['type'] === 'assistant').map((line) => line['message']);
  const blocks = messages.filter(isRecord).flatMap((message) => recordsOf(message['content']));
  const toolOutput = blocks
    .filter((block) => block['type'] === 'mcp_tool_result')
    .flatMap((block) => recordsOf(block['content']))
    .map((block) => textOf(block['text']))
    .join('');
  const retries = lines.filter((line) => line['subtype'] === 'api_retry').length;
  return { exitCode, sessionId: textOf(result['session_id']), blocks, result, retries, toolOutput };
}
