import { describeFile, describeMissingFile, type FileBlock, filesIn, toUploadPath } from '../domain/file-block.js';
import type { Prompt, PromptBlock } from '../domain/prompt.js';
import type { SeedBlock } from '../domain/seed/seed-message.js';
import type { ThreadFiles } from '../sandbox/files/thread-files.js';
import type { HarnessTurn } from './harness.js';

/** Opens an uploaded file from its beginning, as often as it is called. */
export type OpenFile = (id: string) => Promise<AsyncIterable<Uint8Array> | undefined>;

/** A turn with files to be delivered. */
interface GivenTurn extends HarnessTurn {
  readonly openFile?: OpenFile;
}

/** What models take: Anthropic's API refuses the whole turn for an image whose base64 is above 5 MiB. [Messages API, "Vision"] */
const IMAGE_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const MAX_IMAGE_BYTES = (5 * 1024 * 1024 * 3) / 4;
/** Its requests may have 32 MB, with all that was said before. */
const MAX_PDF_BYTES = 10_000_000;
/** About 65,000 tokens: a longer one is better read in parts. */
const MAX_TEXT_BYTES = 262_144;

const TEXT_TYPES = /^text\/|^application\/(?:[\w.-]+\+)?(?:json|xml|yaml|toml|javascript|x-sh|x-yaml|x-ndjson|sql)$/;

/**
 * Puts the files of a turn into its workspace, and what its agent understands in the place of their blocks: a sentence that says where each is, and
 * its content where the model takes that. A file that is there already stays as it is: an earlier attempt put it there, and the agent may have changed it.
 *
 * Rejects when the workspace cannot be written to, or the bytes of a file cannot be read.
 */
export async function deliverFiles<Turn extends GivenTurn>(
  turn: Turn,
  files: ThreadFiles,
  takesPdf: boolean,
): Promise<Turn> {
  const { prompt, seed = [], toolResults = [], furtherMessages = [] } = turn;
  const others = [...seed, ...toolResults].flatMap(({ content }): readonly SeedBlock[] => content);
  const given = filesIn([...prompt, ...others, ...furtherMessages.flatMap((message) => message.prompt)]);
  if (given.length === 0) return turn;
  const delivered = new Map<string, Prompt>();
  for (const file of given) delivered.set(toKey(file), await deliver(file, files, turn.openFile, takesPdf));
  const replaceIn = (blocks: Prompt): Prompt => blocks.flatMap((block) => replaced(block, delivered));
  return {
    ...turn,
    prompt: replaceIn(prompt),
    ...(turn.seed === undefined
      ? {}
      : {
          seed: seed.map((message) => ({
            ...message,
            content: message.content.flatMap((block) => replacedInSeed(block, replaceIn)),
          })),
        }),
    ...(turn.toolResults === undefined
      ? {}
      : { toolResults: toolResults.map((result) => ({ ...result, content: replaceIn(result.content) })) }),
    ...(turn.furtherMessages === undefined
      ? {}
      : { furtherMessages: furtherMessages.map((message) => ({ ...message, prompt: replaceIn(message.prompt) })) }),
  };
}

function replacedInSeed(block: SeedBlock, replaceIn: (blocks: Prompt) => Prompt): readonly SeedBlock[] {
  if (block.type === 'tool-result') return [{ ...block, content: replaceIn(block.content) }];
  return block.type === 'tool-call' ? [block] : replaceIn([block]);
}

function replaced(block: PromptBlock, delivered: ReadonlyMap<string, Prompt>): Prompt {
  return block.type === 'file' ? (delivered.get(toKey(block)) ?? []) : [block];
}

/** The same file may be given for different uses. */
function toKey({ id, use, name, title, context }: FileBlock): string {
  return JSON.stringify([id, use, name, title, context]);
}

async function deliver(
  file: FileBlock,
  files: ThreadFiles,
  openFile: OpenFile | undefined,
  takesPdf: boolean,
): Promise<Prompt> {
  const open = (): Promise<AsyncIterable<Uint8Array> | undefined> =>
    file.data === undefined ? (openFile?.(file.id) ?? Promise.resolve(undefined)) : Promise.resolve(once(file.data));
  const path = `workspace/${toUploadPath(file)}`;
  if ((await files.stat(path)) === undefined) {
    const bytes = await open();
    if (bytes === undefined) return [{ type: 'text', text: describeMissingFile(file) }];
    await files.write(path, bytes);
  }
  const note: PromptBlock = { type: 'text', text: describeFile(file) };
  const form = findForm(file, takesPdf);
  const bytes = form === undefined ? undefined : await open();
  return form === undefined || bytes === undefined ? [note] : [note, ...toContent(file, form, await collect(bytes))];
}

type ContentForm = 'image' | 'pdf' | 'text';

/** As what a model is shown a file; `undefined` for not at all. */
function findForm({ use, mediaType = '', size = Infinity }: FileBlock, takesPdf: boolean): ContentForm | undefined {
  if (use === 'workspace') return undefined;
  if (IMAGE_TYPES.includes(mediaType)) return size <= MAX_IMAGE_BYTES ? 'image' : undefined;
  if (mediaType === 'application/pdf') return takesPdf && size <= MAX_PDF_BYTES ? 'pdf' : undefined;
  return TEXT_TYPES.test(mediaType) && size <= MAX_TEXT_BYTES ? 'text' : undefined;
}

function toContent({ name, mediaType = '', title, context }: FileBlock, form: ContentForm, bytes: Buffer): Prompt {
  const names = { title: title ?? name ?? null, ...(context === undefined ? {} : { context }) };
  switch (form) {
    case 'image':
      return [{ type: 'image', source: { type: 'base64', media_type: mediaType, data: bytes.toString('base64') } }];
    case 'pdf':
      return [
        {
          type: 'document',
          source: { type: 'base64', media_type: mediaType, data: bytes.toString('base64') },
          ...names,
        },
      ];
    case 'text': {
      const data = decodeText(bytes);
      if (data === undefined) return [];
      return [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...names }];
    }
    default:
      return form satisfies never;
  }
}

/** `undefined` for what is no text, whatever its type says, and for an empty one, which models do not take. */
function decodeText(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === '' || text.includes('\0') ? undefined : text;
  } catch {
    // Thrown only for bytes that are not UTF-8.
    return undefined;
  }
}

async function* once(data: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(data, 'base64');
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}
