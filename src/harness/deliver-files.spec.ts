import { describe, expect, it } from 'vitest';
import type { FileBlock } from '../domain/file-block.js';
import type { Prompt } from '../domain/prompt.js';
import { deliverFiles } from './deliver-files.js';

const MEGABYTE = 1_000_000;

/** Delivers a prompt, and counts how often each file was read. */
async function deliver(prompt: Prompt, seed?: Prompt) {
  const reads: string[] = [];
  const written = new Map<string, { readonly kind: 'file' }>();
  const turn = {
    id: 'turn',
    prompt,
    ...(seed === undefined ? {} : { seed: [{ role: 'user', content: seed }] }),
    openFile: async (id: string) => {
      reads.push(id);
      return bytes(id);
    },
  };
  const files = {
    stat: async (path: string) => written.get(path),
    write: async (path: string, body: AsyncIterable<Uint8Array>) => {
      for await (const part of body) expect(part.length).toBeGreaterThan(0);
      written.set(path, { kind: 'file' });
    },
  };
  const delivered = await deliverFiles(turn as never, files as never, true);
  return { delivered: delivered as typeof turn, reads, written: [...written.keys()] };
}

async function* bytes(id: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`the bytes of ${id}`);
}

const pdf = (id: string, size = 9 * MEGABYTE, more: Partial<FileBlock> = {}): FileBlock => ({
  type: 'file',
  id,
  use: 'document',
  name: `${id}.pdf`,
  mediaType: 'application/pdf',
  size,
  ...more,
});
const kinds = (prompt: Prompt): readonly string[] => prompt.map(({ type }) => type);

describe('the files of a turn', () => {
  it('are shown until the request to the model is full, and then only said', async () => {
    const { delivered, written } = await deliver(['a', 'b', 'c', 'd'].map((id) => pdf(id)));
    expect(kinds(delivered.prompt)).toEqual(['text', 'document', 'text', 'text', 'text']);
    expect(written).toHaveLength(4);
  });

  it('are shown in the newest place where they are named more than once', async () => {
    const { delivered, reads } = await deliver([pdf('a'), pdf('a')], [pdf('a')]);
    expect(kinds(delivered.prompt)).toEqual(['text', 'document', 'text']);
    expect(delivered.seed?.map(({ content }) => kinds(content))).toEqual([['text']]);
    expect(reads).toEqual(['a', 'a']);
  });

  it('are read once, under however many titles', async () => {
    const titled = Array.from({ length: 50 }, (_, at) => pdf('a', 1000, { title: `title ${at}` }));
    const { delivered, reads } = await deliver(titled);
    expect(kinds(delivered.prompt).filter((kind) => kind === 'document')).toHaveLength(50);
    // For the workspace, and for the model.
    expect(reads).toEqual(['a', 'a']);
  });
});
