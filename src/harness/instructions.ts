import type { Logger } from '@nestjs/common';
import { resolveLinks } from '../sandbox/files/resolve-links.js';
import { ThreadFileError } from '../sandbox/files/thread-files.js';
import type { HarnessThread } from './harness.js';

/** How much of `AGENTS.md` goes into a prompt. Codex itself reads 32 KiB. */
export const MAX_AGENTS_FILE_BYTES = 256 * 1024;

/** Replaces the part of `AGENTS.md` above the limit. */
const TRUNCATION_NOTE = '\n\n[The rest of AGENTS.md is left out: the file is too long. Read it where it matters.]';

/**
 * Loads what is appended to the agent's own instructions: the workspace's `AGENTS.md`, then the caller's system prompt. `undefined` if
 * there is neither. An `AGENTS.md` that is not a regular file of the workspace, such as a link out of it, is ignored with a warning.
 */
export async function loadInstructions(
  thread: HarnessThread,
  logger: Pick<Logger, 'warn'>,
): Promise<string | undefined> {
  return joinInstructions(await readAgentsFile(thread, logger), thread.systemPrompt);
}

/** Joins instructions; skips blank ones. */
export function joinInstructions(...parts: readonly (string | undefined)[]): string | undefined {
  const kept = parts.filter((part) => part !== undefined && part.trim() !== '');
  return kept.length === 0 ? undefined : kept.join('\n\n');
}

async function readAgentsFile({ id, files }: HarnessThread, logger: Pick<Logger, 'warn'>): Promise<string | undefined> {
  try {
    // A link out of the workspace resolves to `undefined`; reading the link itself then fails with a ThreadFileError.
    const path = (await resolveLinks(files, 'workspace', 'AGENTS.md')) ?? 'workspace/AGENTS.md';
    const part = await files.read(path, MAX_AGENTS_FILE_BYTES);
    if (part === undefined) return undefined;
    const text = part.bytes.toString('utf8');
    return part.size > part.bytes.length ? `${text}${TRUNCATION_NOTE}` : text;
  } catch (error) {
    if (!(error instanceof ThreadFileError)) throw error;
    logger.warn(`ignored the AGENTS.md of thread ${id}: ${error.message}`);
    return undefined;
  }
}
