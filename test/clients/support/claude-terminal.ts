import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder } from './folders.js';
import { isRecord, type JsonRecord } from './json.js';
import { openTerminal, type Terminal } from './terminal.js';

const API_KEY = 'a-key-of-the-caller';

/** Claude Code as its user has it in a terminal. */
export interface ClaudeTerminal extends Terminal {
  /** Where it remembers its sessions, and where it was started. */
  readonly home: string;
  readonly workingDirectory: string;
  /** What its newest status line was made from: its session, model, cost and context. Empty before the first. */
  status(): Promise<JsonRecord>;
}

/** Starts Claude Code without a prompt, in a terminal, as a user who has gone through its first start: at Chiron's address. */
export async function openClaudeCode(
  program: string,
  url: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ClaudeTerminal> {
  const home = await newFolder('home');
  const workingDirectory = await newFolder('caller');
  const statusFile = join(home, 'status.json');
  await writeJson(join(home, '.claude.json'), {
    hasCompletedOnboarding: true,
    theme: 'dark',
    // It remembers the last 20 characters of a key.
    customApiKeyResponses: { approved: [API_KEY.slice(-20)], rejected: [] },
    projects: { [workingDirectory]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  });
  const statusLine = join(home, 'status-line.sh');
  // Moved into place, so that it is never read half written.
  await writeFile(statusLine, `#!/bin/sh\ncat > ${statusFile}.new && mv ${statusFile}.new ${statusFile}\n`);
  await chmod(statusLine, 0o700);
  await mkdir(join(home, '.claude'));
  await writeJson(join(home, '.claude', 'settings.json'), { statusLine: { type: 'command', command: statusLine } });
  const terminal = await openTerminal([program], workingDirectory, {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: home,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: API_KEY,
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    IS_SANDBOX: '1',
    ...environment,
  });
  await terminal.shows(/^❯/m);
  return { ...terminal, home, workingDirectory, status: () => readRecord(statusFile) };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value));
}

async function readRecord(path: string): Promise<JsonRecord> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}
