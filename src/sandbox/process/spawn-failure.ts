import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { readErrorCode } from '../errors.js';

/** Why a program could not be started. */
export interface SpawnFailure {
  readonly reason:
    | 'program-missing'
    /** It is there, and the system cannot or may not run it. */
    | 'program-not-runnable'
    /** Together with the environment; Linux also limits each of them to 128 KiB. */
    | 'arguments-too-long'
    | 'workspace-unusable'
    /** No memory, process or file descriptor is left: it may work again later. */
    | 'out-of-resources'
    | 'sandbox-closed'
    /** The isolation could not be set up. */
    | 'sandbox-failed'
    | 'unknown';
  /** What the system calls it, such as `E2BIG`, for the log; `undefined` when it did not come from the system. */
  readonly code: string | undefined;
}

// What `spawn` of /bin/sh fails with, so that the file that is missing or closed can only be the working directory.
const REASON_OF_CODE: Readonly<Record<string, SpawnFailure['reason']>> = {
  E2BIG: 'arguments-too-long',
  ENOENT: 'workspace-unusable',
  ENOTDIR: 'workspace-unusable',
  EACCES: 'workspace-unusable',
  ELOOP: 'workspace-unusable',
  EMFILE: 'out-of-resources',
  ENFILE: 'out-of-resources',
  ENOMEM: 'out-of-resources',
  EAGAIN: 'out-of-resources',
};

/** What an error of `spawn` says. */
export function toSpawnFailure(error: unknown): SpawnFailure {
  const code = readErrorCode(error);
  return { reason: (code === undefined ? undefined : REASON_OF_CODE[code]) ?? 'unknown', code };
}

/** Why `findProgram` found nothing for a command on this `PATH`: a file of that name may be there without the right to run it. */
export function explainNotFound(command: string, path: string | undefined): SpawnFailure {
  const folders = command.includes('/') ? [''] : (path ?? '').split(delimiter).filter((entry) => entry !== '');
  const isThere = command !== '' && folders.some((folder) => existsSync(join(folder, command)));
  return isThere ? { reason: 'program-not-runnable', code: 'EACCES' } : { reason: 'program-missing', code: 'ENOENT' };
}

/** A shell's exit status for a program that it found and could not run, and for one that is not there, or whose interpreter is not. */
const NOT_RUNNABLE = 126;
const NOT_FOUND = 127;

/**
 * Why the shell that was to become the program did not; `undefined` for a program that was started. Only to be asked when nothing was
 * written to the standard output.
 */
export async function toExecFailure(status: number | null, program: string): Promise<SpawnFailure | undefined> {
  if (status === 0 || status === null) return undefined;
  // A shell reads a program that the system cannot run as a script of its own, and fails at the first odd word in any way.
  if (!(await isRunnableFormat(program))) return { reason: 'program-not-runnable', code: 'ENOEXEC' };
  if (status === NOT_FOUND) return { reason: 'program-missing', code: undefined };
  return status === NOT_RUNNABLE ? { reason: 'program-not-runnable', code: undefined } : undefined;
}

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const ELF_MACHINE_OFFSET = 18;
const ELF_MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** Whether a file is a script with an interpreter or, on Linux, a program of this machine; true when it cannot be read. */
async function isRunnableFormat(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(ELF_MACHINE_OFFSET + 2), 0, ELF_MACHINE_OFFSET + 2, 0);
    if (buffer.subarray(0, 2).toString('latin1') === '#!' || process.platform !== 'linux') return true;
    const machine = ELF_MACHINES[process.arch];
    const isElf = buffer.subarray(0, ELF.length).equals(ELF);
    return isElf && (machine === undefined || buffer.readUInt16LE(ELF_MACHINE_OFFSET) === machine);
  } catch {
    // A program may be runnable and not readable.
    return true;
  }
}
