import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENTS = fileURLToPath(new URL('../clients/', import.meta.url));
const clients = createRequire(join(CLIENTS, 'package.json'));

/** The real Claude Code: `CHIRON_CLAUDE_BIN`, or the one that `test/clients` installs. Throws when there is none. */
export function findClaude(): string {
  const name = `@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`;
  return process.env['CHIRON_CLAUDE_BIN'] ?? existing(join(dirname(clients.resolve(name)), 'claude'));
}

/** The real Codex: `CHIRON_CODEX_BIN`, or the one that `test/clients` installs. Throws when there is none. */
export function findCodex(): string {
  return process.env['CHIRON_CODEX_BIN'] ?? existing(join(CLIENTS, 'node_modules', '.bin', 'codex'));
}

function existing(file: string): string {
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm install --prefix test/clients`);
  return file;
}
