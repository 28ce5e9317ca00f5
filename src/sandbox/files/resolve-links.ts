import type { ThreadFiles } from './thread-files.js';

/** More than Linux follows. */
const MAX_LINKS = 40;

/**
 * The path without links of an entry in a folder of a thread, whose links lead no further than the folder: repositories link `AGENTS.md`
 * to `CLAUDE.md`, and ConfigMaps of Kubernetes are made of links. `undefined` when it is not there, or a link leads out of the folder
 * or in a circle. The path is to be opened as any other, without following: it may be a link again by then.
 */
export async function resolveLinks(files: ThreadFiles, folder: string, path: string): Promise<string | undefined> {
  const waiting = path.split('/');
  const resolved: string[] = [];
  let links = 0;
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (resolved.pop() === undefined) return undefined;
      continue;
    }
    const found = [folder, ...resolved, name].join('/');
    const entry = await files.stat(found);
    if (entry?.kind !== 'link') {
      if (entry === undefined) return undefined;
      resolved.push(name);
      continue;
    }
    const target = await files.linkTarget(found);
    links += 1;
    if (target === undefined || target.startsWith('/') || links > MAX_LINKS) return undefined;
    waiting.unshift(...target.split('/'));
  }
  return [folder, ...resolved].join('/');
}
