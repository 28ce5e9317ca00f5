import type { Logger } from '@nestjs/common';
import { resolveLinks } from '../sandbox/files/resolve-links.js';
import { ThreadFileError } from '../sandbox/files/thread-files.js';
import type { HarnessThread } from './harness.js';

/** How much of `AGENTS.md` an agent is told, in bytes. Codex by itself reads 32 KiB; more than this has no place in a prompt. */
export const MAX_AGENTS_FILE_BYTES = 256 * 1024;

/** What an agent is told in the place of the rest. */
const CUT = '\n\n[The rest of AGENTS.md is left out: the file is too long. Read it where it matters.]';

/**
 * What an agent is told besides its own instructions: the workspace's `AGENTS.md`, then the caller's system prompt. `undefined`
 * for nothing. An `AGENTS.md` that is no plain file of the workspace, such as a link out of it, counts as none, with a warning.
 */
export async function loadInstructions(
  thread: HarnessThread,
  logger: Pick<Logger, 'warn'>,
): Promise<string | undefined> {
  return joinInstructions(await agentsFile(thread, logger), thread.systemPrompt);
}

/** Instructions one after the other, without those that are blank. */
export function joinInstructions(...parts: readonly (string | undefined)[]): string | undefined {
  const kept = parts.filter((part) => part !== undefined && part.trim() !== '');
  return kept.length === 0 ? undefined : kept.join('\n\n');
}

async function agentsFile({ id, files }: HarnessThread, logger: Pick<Logger, 'warn'>): Promise<string | undefined> {
  try {
    // A link that leads out of the workspace is opened as what it is, and refused.
    const path = (await resolveLinks(files, 'workspace', 'AGENTS.md')) ?? 'workspace/AGENTS.md';
    const part = await files.read(path, MAX_AGENTS_FILE_BYTES);
    if (part === undefined) return undefined;
    const text = part.bytes.toString('utf8');
    return part.size > part.bytes.length ? `${text}${CUT}` : text;
  } catch (error) {
    if (!(error instanceof ThreadFileError)) throw error;
    logger.warn(`The instructions in the workspace of thread ${id} are not used: ${error.message}`);
    return undefined;
  }
}
