import { chownSync } from 'node:fs';

/** An ordinary user of every Unix. */
const NOBODY = 65_534;

/**
 * Runs a task as an ordinary user, to whom this folder then belongs: nothing is closed to root. Where the tests run as an ordinary
 * user already, as that one.
 */
export async function asNobody<Result>(folder: string, task: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return task();
  chownSync(folder, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await task();
  } finally {
    process.seteuid?.(0);
  }
}
