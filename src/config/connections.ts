import { readFileSync } from 'node:fs';

/** What the default leaves to the store, the agents' pipes and everything else. */
const RESERVED = 200;
/** More connections than this want to be asked for. */
const MOST = 10_000;

/** How many connections there may be of a process with so many file descriptors: half of them, as agents need some, too. */
export function defaultConnections(descriptors: number): number {
  return Math.min(MOST, Math.max(1, Math.floor((descriptors - RESERVED) / 2)));
}

/** How many file descriptors this process may have. Node itself raises it to what the system allows. */
export function openFilesLimit(): number {
  try {
    const limit = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined || limit === 'unlimited' ? Infinity : Number(limit);
  } catch {
    // Not Linux; macOS has some 10,000 by default.
    return 10_000;
  }
}
