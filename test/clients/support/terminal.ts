import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { newFolder } from './folders.js';
import { skipReason as clientsSkipReason } from './programs.js';

const run = promisify(execFile);

/** How long a program may take to show a text, in milliseconds. */
const PATIENCE = 20_000;
const COLUMNS = 140;
const ROWS = 50;
/** Number of scrollback lines that are searched. */
const SCROLLBACK = 500;

/** A program in a terminal of its own, as its user sees it. */
export interface Terminal {
  /** Writes a line into the program's input box, waits until it stands there, and presses Enter. */
  submit(line: string): Promise<void>;
  /** Presses keys, by tmux's names: `Enter`, `Escape`, `Down`. */
  press(...keys: readonly string[]): Promise<void>;
  /** Its screen and scrollback, without trailing spaces. */
  screen(): Promise<string>;
  /** Resolves with the screen once it shows this text; rejects after 20 s. */
  shows(what: string | RegExp): Promise<string>;
  /** The same with the terminal's codes of colours. */
  colouredScreen(): Promise<string>;
  /** Ends the program. */
  close(): Promise<void>;
}

function reasonToSkip(): string | undefined {
  if (clientsSkipReason !== undefined) return clientsSkipReason;
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no tmux on PATH (Debian: apt-get install tmux)';
  }
}

/** Why no program can be run in a terminal here, or `undefined` where it can. Printed once per test file. */
export const terminalSkipReason = reasonToSkip();

if (terminalSkipReason !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') {
  throw new Error(terminalSkipReason);
}
if (terminalSkipReason !== undefined) process.stderr.write(`Skipped, because ${terminalSkipReason}.\n`);

/** Starts a program in a terminal: with these variables, and nothing else of this process's environment. */
export async function openTerminal(
  command: readonly string[],
  workingDirectory: string,
  variables: Readonly<Record<string, string>>,
): Promise<Terminal> {
  // A separate tmux server, so that nothing is shared with a user's own.
  const socket = join(await newFolder('tmux'), 'socket');
  const env = { ...variables, TERM: 'xterm-256color', LANG: 'C.UTF-8' };
  const tmux = async (...args: readonly string[]): Promise<string> =>
    (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args], { env })).stdout;
  const size = ['-x', String(COLUMNS), '-y', String(ROWS)];
  await tmux('new-session', '-d', ...size, '-c', workingDirectory, '--', ...command);
  const screen = async (): Promise<string> => {
    const lines = (await tmux('capture-pane', '-p', '-S', `-${SCROLLBACK}`)).split('\n');
    return lines.map((line) => line.trimEnd()).join('\n');
  };
  const shows = async (what: string | RegExp): Promise<string> => {
    await expect.poll(screen, { timeout: PATIENCE }).toMatch(what);
    return screen();
  };
  return {
    screen,
    colouredScreen: () => tmux('capture-pane', '-e', '-p', '-S', `-${SCROLLBACK}`),
    shows,
    press: async (...keys) => {
      await tmux('send-keys', ...keys);
    },
    submit: async (line) => {
      await tmux('send-keys', '-l', line);
      // An Enter sent together with the text would count as part of a paste.
      await expect.poll(async () => inputOf(await screen()), { timeout: PATIENCE }).toBe(line.trim());
      await tmux('send-keys', 'Enter');
    },
    close: async () => {
      await tmux('kill-server');
    },
  };
}

/** The content of the input box: the last line with a prompt sign, that of Claude Code or of Codex. */
function inputOf(screen: string): string | undefined {
  return screen
    .split('\n')
    .findLast((row) => /^[❯›]/.test(row))
    ?.slice(1)
    .trim();
}
