import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HarnessThread } from './harness.js';

/** The file in a workspace that instructs every agent that works there. */
const AGENTS_FILE = 'AGENTS.md';

/**
 * What an agent is told besides its own instructions: the workspace's `AGENTS.md`, then the caller's system prompt. `undefined`
 * for nothing. Rejects when the file is there and cannot be read.
 */
export async function instructionsOf(thread: HarnessThread): Promise<string | undefined> {
  return joined(await textOfFile(join(thread.folders.workspace, AGENTS_FILE)), thread.systemPrompt);
}

/** Instructions one after the other, without those that are blank. */
export function joined(...parts: readonly (string | undefined)[]): string | undefined {
  const kept = parts.filter((part) => part !== undefined && part.trim() !== '');
  return kept.length === 0 ? undefined : kept.join('\n\n');
}

/** A file's text; `undefined` when there is no such file. */
export async function textOfFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
