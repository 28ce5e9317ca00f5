import { isAbsolute } from 'node:path';
import type { Parsed } from './setting.js';

/** The values of `CHIRON_SANDBOX`; the kinds behind them are in `src/sandbox/kinds.ts`. */
export const SANDBOX_CHOICES = ['auto', 'bubblewrap', 'landlock', 'local'] as const;

/** A file or folder that all agents see. */
export interface MountSetting {
  readonly source: string;
  readonly target: string;
  readonly isWritable: boolean;
}

/** Parses a comma-separated list of `/path`, `/path:/inside` or either with `:rw` at its end. */
export function parseMounts(text: string | undefined): Parsed<readonly MountSetting[]> {
  if (text === undefined) return { value: [] };
  const mounts = text.split(',').map((entry) => parseMount(entry.trim()));
  const value = mounts.filter((mount) => mount !== undefined);
  return value.length === mounts.length
    ? { value }
    : { expected: 'must be a comma-separated list of /path[:/path-inside][:rw], with absolute paths' };
}

function parseMount(entry: string): MountSetting | undefined {
  const isWritable = entry.endsWith(':rw');
  const [source = '', target = source, ...more] = (isWritable ? entry.slice(0, -':rw'.length) : entry).split(':');
  return isAbsolute(source) && isAbsolute(target) && more.length === 0 ? { source, target, isWritable } : undefined;
}

/** A range of user ids, both ends included. */
export interface UserIdSetting {
  readonly first: number;
  readonly last: number;
}

/** The ids below are users of the system. */
const LEAST_USER_ID = 1000;
/** 4294967295 means "no user" to the kernel. */
const GREATEST_USER_ID = 4_294_967_294;

/** Parses `first-last`. */
export function parseUserIds(text: string | undefined): Parsed<UserIdSetting> {
  const [, first, last] = /^(\d{1,10})-(\d{1,10})$/.exec(text ?? '') ?? [];
  const value = { first: Number(first), last: Number(last) };
  return value.first >= LEAST_USER_ID && value.last > value.first && value.last <= GREATEST_USER_ID
    ? { value }
    : { expected: `must be two user ids, as in 20000-59999, from ${LEAST_USER_ID} on` };
}

/** The variables by which git gets its identity. */
export type GitIdentity = Readonly<Record<string, string>>;

/** Parses `Name <address>` into the variables of git; an absent one has none. */
export function parseGitIdentity(text: string | undefined): Parsed<GitIdentity> {
  if (text === undefined) return { value: {} };
  const [, name, address] = /^([^<>\n]+?)\s*<([^<>\s]+)>$/.exec(text) ?? [];
  if (name === undefined || address === undefined)
    return { expected: 'must be a name and an address: Agent <agent@example.com>' };
  return {
    value: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: address,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: address,
    },
  };
}
