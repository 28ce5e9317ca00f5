import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'node-id';

/** Reads the id of the node whose data folder this is, and makes one for a new folder. Rejects for a file with something else. */
export async function readNodeId(dataDirectory: string): Promise<string> {
  const file = join(dataDirectory, FILE);
  const known = await readId(file);
  if (known !== undefined) return known;
  await mkdir(dataDirectory, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, `${randomUUID()}\n`, { mode: 0o600 });
    // Never half of an id, and never two of one folder.
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readId(file);
  if (made === undefined) throw new Error(`cannot read ${file}, which was just written`);
  return made;
}

async function readId(file: string): Promise<string | undefined> {
  try {
    const id = (await readFile(file, 'utf8')).trim();
    if (!/^[\w-]{1,64}$/.test(id))
      throw new Error(`${file} does not hold the id of a node; remove it, and this server gets a new one`);
    return id;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
