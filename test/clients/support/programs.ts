import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));

/** Claude Code 2.1.330: the package of the platform is the program itself, so that the machine's own Node does not matter. */
export const CLAUDE_CODE = `${MODULES}@anthropic-ai/claude-code-linux-x64/claude`;

/** Claude Code 2.1.197, the newest that npm gives to a machine with Node 20. */
export const OLD_CLAUDE_CODE = `${MODULES}claude-code-old/claude`;

/** Both, with their versions. */
export const CLAUDE_CODES = [
  { version: '2.1.330', program: CLAUDE_CODE },
  { version: '2.1.197', program: OLD_CLAUDE_CODE },
] as const;

/** Codex 0.169.0. */
export const CODEX = `${MODULES}@openai/codex/bin/codex.js`;

function reasonToSkip(): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== 'linux-x64') return `Claude Code is installed for linux-x64 only, and this is ${platform}`;
  const missing = [CLAUDE_CODE, OLD_CLAUDE_CODE, CODEX].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `npm did not install ${missing.join(' and ')}`;
}

/** Why the real command line programs cannot be run here, or `undefined` where they can. Printed once per test file. */
export const skipReason = reasonToSkip();

if (skipReason !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') throw new Error(skipReason);
if (skipReason !== undefined) process.stderr.write(`Skipped, because ${skipReason}.\n`);
