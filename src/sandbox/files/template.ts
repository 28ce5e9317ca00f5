import { closeSync, constants, type Dirent, lstatSync, openSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { chmod, cp, lstat, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { MissingTemplateError, readErrorCode } from '../errors.js';
import type { SandboxOptions } from '../sandbox.js';

/** Settings are far shorter. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** What was found in a template before anything was made from it. */
export interface TemplateReport {
  /** Why it cannot be copied; `undefined` when it can. */
  readonly problem: string | undefined;
  /** What is not copied, as it is no file, folder or link: the sockets of programs that run in a home, for one. */
  readonly skipped: readonly string[];
}

/**
 * Copies a template: files and folders with their modes, and links as they are. FIFOs, sockets and devices are passed over: to read
 * them could wait for ever. `target` must not be there yet.
 */
export async function copyTemplate(template: string | undefined, target: string): Promise<void> {
  if (template === undefined) return;
  const isCopied = async (source: string): Promise<boolean> => isPlain(await lstat(source));
  await cp(await realpath(template), target, { recursive: true, verbatimSymlinks: true, filter: isCopied });
  await chmod(target, 0o700);
}

/**
 * Puts the folders of a home that the programs keep their own files in, where the template has links to them (a ConfigMap of
 * Kubernetes is made of links). A link there could lead anywhere later.
 */
export async function copyLinkedFolders(
  template: string | undefined,
  home: string,
  names: readonly string[],
): Promise<void> {
  if (template === undefined) return;
  for (const name of names) {
    const target = join(home, name);
    const isLink = (await lstat(target).catch(undefinedWhenMissing))?.isSymbolicLink() === true;
    if (!isLink) continue;
    await unlink(target);
    await copyTemplate(join(template, name), target);
  }
}

/**
 * The folder of a workspace's template; `undefined` for an empty workspace.
 *
 * @param name one part of a path; `undefined` for the deployment's own template
 * @throws MissingTemplateError for a name of which the deployment has no template
 */
export function findWorkspaceTemplate(
  { workspaceTemplate, workspaceTemplates }: Pick<SandboxOptions, 'workspaceTemplate' | 'workspaceTemplates'>,
  name: string | undefined,
): string | undefined {
  if (name === undefined) return workspaceTemplate;
  const folder = workspaceTemplates === undefined ? undefined : join(workspaceTemplates, name);
  if (folder === undefined || !isFolder(folder)) throw new MissingTemplateError(name);
  return folder;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A file of the templates, by its path in a thread. Links count here: the templates are the deployment's own. */
export async function readTemplate(
  templates: Readonly<Record<string, string | undefined>>,
  path: string,
): Promise<string | undefined> {
  const [folder = '', ...rest] = path.split('/');
  const template = templates[folder];
  if (template === undefined) return undefined;
  const file = join(template, ...rest);
  const found = await stat(file).catch(undefinedWhenMissing);
  if (found === undefined || !found.isFile() || found.size > MAX_TEXT_BYTES) return undefined;
  return readFile(file, 'utf8');
}

/** Looks through a template, so that what is wrong with it shows when the server starts and not in somebody's turn. */
export function inspectTemplate(template: string, dataDirectory: string): TemplateReport {
  const skipped: string[] = [];
  try {
    const root = realpathSync(template);
    if (!lstatSync(root).isDirectory()) return { problem: 'must be a folder', skipped };
    if (`${resolve(dataDirectory)}${sep}`.startsWith(root === sep ? root : `${root}${sep}`)) {
      return { problem: 'must not hold CHIRON_DATA_DIR: a copy of it would hold itself', skipped };
    }
    const problem = unreadable(root, (path) => skipped.push(relative(root, path)));
    return {
      problem:
        problem === undefined ? undefined : `has an entry that cannot be read: ${relative(root, problem) || '.'}`,
      skipped,
    };
  } catch (error) {
    const code = readErrorCode(error);
    if (code === undefined) throw error;
    return { problem: `cannot be read (${code})`, skipped };
  }
}

/** The first entry that cannot be copied; reports skipped ones. */
function unreadable(folder: string, onSkipped: (path: string) => void): string | undefined {
  const entries = unlessClosed(() => readdirSync(folder, { withFileTypes: true }));
  if (entries === undefined) return folder;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (!isPlain(entry)) onSkipped(path);
    else if (entry.isDirectory()) {
      const problem = unreadable(path, onSkipped);
      if (problem !== undefined) return problem;
    } else if (entry.isFile()) {
      const file = unlessClosed(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
      if (file === undefined) return path;
      closeSync(file);
    }
  }
  return undefined;
}

function unlessClosed<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (readErrorCode(error) === 'EACCES' || readErrorCode(error) === 'EPERM') return undefined;
    throw error;
  }
}

function undefinedWhenMissing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(readErrorCode(error) ?? '')) throw error;
}

function isPlain(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): boolean {
  return entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
}
