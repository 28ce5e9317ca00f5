import { readFileSync } from 'node:fs';

/** Descriptors that the default reserves for the store, the agents' pipes and everything else. */
const RESERVED_DESCRIPTORS = 200;
/** The default never exceeds this; more connections must be configured. */
const MAX_DEFAULT = 10_000;

/** Default limit of connections for this many file descriptors: half of them, because agents need some, too. */
export function computeDefaultConnections(descriptors: number): number {
  return Math.min(MAX_DEFAULT, Math.max(1, Math.floor((descriptors - RESERVED_DESCRIPTORS) / 2)));
}

/** The file descriptor limit of this process. Node itself raises the soft limit to the hard limit. */
export function readOpenFilesLimit(): number {
  try {
    const limit = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined || limit === 'unlimited' ? Infinity : Number(limit);
  } catch {
    // Not Linux; macOS has some 10,000 by default.
    return 10_000;
  }
}
