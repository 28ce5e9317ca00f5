import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));

/** Claude Code 2.1.330: the package of the platform is the program itself, so that the machine's own Node does not matter. */
export const CLAUDE_CODE = `${MODULES}@anthropic-ai/claude-code-linux-x64/claude`;

/** Codex 0.169.0. */
export const CODEX = `${MODULES}@openai/codex/bin/codex.js`;

function reasonToSkip(): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== 'linux-x64') return `Claude Code is installed for linux-x64 only, and this is ${platform}`;
  const missing = [CLAUDE_CODE, CODEX].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `npm did not install ${missing.join(' and ')}`;
}

/** Why the real command line programs cannot be run here, or `undefined` where they can. Printed once per test file. */
export const skipReason = reasonToSkip();

if (skipReason !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') throw new Error(skipReason);
if (skipReason !== undefined) process.stderr.write(`Skipped, because ${skipReason}.\n`);
