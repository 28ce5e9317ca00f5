import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { ownFile } from '../own-files.js';

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  /** Of its content. */
  readonly etag: string;
}

/** What the page imports by name, and where the package has it: browsers find it by the import map of the page. */
const LIBRARIES = ['preact', 'preact/hooks', 'preact/jsx-runtime'] as const;

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The files of the page, read once, when the first of them is asked for. */
@Injectable()
export class PageFiles {
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** Where the browser finds each library. */
  readonly importMap: Readonly<Record<string, string>> = Object.fromEntries(
    LIBRARIES.map((name) => [name, `/console/assets/${toFileName(name)}`]),
  );

  /** A file by its path below `/console/assets/`; `undefined` when the page has none of this name. Rejects when they cannot be read. */
  async find(name: string): Promise<PageFile | undefined> {
    this.#files ??= readFiles();
    return (await this.#files).get(name);
  }
}

/** Only what is in the page's own folder can be asked for, so no path leads anywhere else. */
async function readFiles(): Promise<ReadonlyMap<string, PageFile>> {
  // What the build has made of `page/`, also where this file runs from its source.
  const folder = fileURLToPath(ownFile('../dist/console/page'));
  const names = await readdir(folder, { recursive: true });
  const own = names.filter((name) => name.endsWith('.js') || name.endsWith('.css'));
  const paths: readonly (readonly [string, string])[] = [
    ...own.map((name) => [name, join(folder, name)] as const),
    ...LIBRARIES.map((name) => [toFileName(name), fileURLToPath(import.meta.resolve(name))] as const),
  ];
  return new Map(await Promise.all(paths.map(async ([name, path]) => [name, await readPageFile(path)] as const)));
}

async function readPageFile(path: string): Promise<PageFile> {
  const content = await readFile(path);
  const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
  return { type: TYPES[extname(path)] ?? 'application/octet-stream', content, etag };
}

function toFileName(library: (typeof LIBRARIES)[number]): string {
  return `lib/${library.replace('/', '-')}.mjs`;
}
