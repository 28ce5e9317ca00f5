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
/** What is shown of all files of a turn together, as it is in the request. The rest of its 32 MB is for what was said before. */
const MAX_SHOWN_BYTES = 20_000_000;

const TEXT_TYPES = /^text\/|^application\/(?:[\w.-]+\+)?(?:json|xml|yaml|toml|javascript|x-sh|x-yaml|x-ndjson|sql)$/;

/**
 * Puts the files of a turn into its workspace, and what its agent understands in the place of their blocks: a sentence that says where each is, and
 * its content where the model takes that. The content is shown once, in the newest place, until the turn has as much as its request to the model may have.
 * A file that is there already stays as it is: an earlier attempt put it there, and the agent may have changed it.
 *
 * Rejects when the workspace cannot be written to, or the bytes of a file cannot be read.
 */
export async function deliverFiles<Turn extends GivenTurn>(
  turn: Turn,
  files: Pick<ThreadFiles, 'stat' | 'write'>,
  takesPdf: boolean,
): Promise<Turn> {
  const { prompt, seed = [], toolResults = [], furtherMessages = [] } = turn;
  const results = toolResults.flatMap(({ content }) => content);
  const earlier = seed.flatMap(({ content }) => content);
  // What the user says now is shown before what was said earlier.
  const given = filesIn([...prompt, ...results, ...furtherMessages.flatMap((message) => message.prompt), ...earlier]);
  if (given.length === 0) return turn;
  const { notes, contents } = await deliverAll(given, { files, openFile: turn.openFile, takesPdf });
  const replaceIn = (blocks: Prompt): Prompt =>
    blocks.flatMap((block) => {
      if (block.type !== 'file') return [block];
      const key = toKey(block);
      const content = contents.get(key) ?? [];
      contents.delete(key);
      return [...(notes.get(toUploadPath(block)) ?? []), ...content];
    });
  // In the order in which the content is given away.
  const [newPrompt, newResults, newMessages] = [
    replaceIn(prompt),
    toolResults.map((result) => ({ ...result, content: replaceIn(result.content) })),
    furtherMessages.map((message) => ({ ...message, prompt: replaceIn(message.prompt) })),
  ];
  return {
    ...turn,
    prompt: newPrompt,
    ...(turn.seed === undefined
      ? {}
      : {
          seed: seed.map((message) => ({
            ...message,
            content: message.content.flatMap((block) => replacedInSeed(block, replaceIn)),
          })),
        }),
    ...(turn.toolResults === undefined ? {} : { toolResults: newResults }),
    ...(turn.furtherMessages === undefined ? {} : { furtherMessages: newMessages }),
  };
}

function replacedInSeed(block: SeedBlock, replaceIn: (blocks: Prompt) => Prompt): readonly SeedBlock[] {
  if (block.type === 'tool-result') return [{ ...block, content: replaceIn(block.content) }];
  return block.type === 'tool-call' ? [block] : replaceIn([block]);
}

/** The same file may be given for different uses. */
function toKey({ id, use, name, title, context }: FileBlock): string {
  return JSON.stringify([id, use, name, title, context]);
}

interface Delivery {
  readonly files: Pick<ThreadFiles, 'stat' | 'write'>;
  readonly openFile: OpenFile | undefined;
  readonly takesPdf: boolean;
}

/** What is said of the files, by their places, and the content of those that are shown, by their keys. */
interface Delivered {
  readonly notes: ReadonlyMap<string, Prompt>;
  readonly contents: Map<string, Prompt>;
}

async function deliverAll(given: readonly FileBlock[], delivery: Delivery): Promise<Delivered> {
  const notes = new Map<string, Prompt>();
  const contents = new Map<string, Prompt>();
  const read = new Map<string, string | undefined>();
  let room = MAX_SHOWN_BYTES;
  for (const [key, file] of new Map(given.map((each) => [toKey(each), each] as const))) {
    const isThere = await put(file, delivery);
    notes.set(toUploadPath(file), [{ type: 'text', text: isThere ? describeFile(file) : describeMissingFile(file) }]);
    const form = isThere ? findForm(file, delivery.takesPdf) : undefined;
    const size = form === undefined ? 0 : toShownSize(form, file);
    if (form === undefined || size > room) continue;
    const name = `${form} ${file.id}`;
    if (!read.has(name)) read.set(name, await readShown(file, form, delivery));
    const data = read.get(name);
    if (data === undefined) continue;
    contents.set(key, [toContent(file, form, data)]);
    room -= size;
  }
  return { notes, contents };
}

/** Resolves to false for a file whose bytes are gone. */
async function put(file: FileBlock, { files, openFile }: Delivery): Promise<boolean> {
  const path = `workspace/${toUploadPath(file)}`;
  if ((await files.stat(path)) !== undefined) return true;
  const bytes = await open(file, openFile);
  if (bytes !== undefined) await files.write(path, bytes);
  return bytes !== undefined;
}

async function open({ id, data }: FileBlock, openFile: OpenFile | undefined) {
  return data === undefined ? openFile?.(id) : once(data);
}

async function readShown(file: FileBlock, form: ContentForm, { openFile }: Delivery): Promise<string | undefined> {
  const bytes = await open(file, openFile);
  if (bytes === undefined) return undefined;
  const whole = await collect(bytes);
  return form === 'text' ? decodeText(whole) : whole.toString('base64');
}

type ContentForm = 'image' | 'pdf' | 'text';

/** As what a model is shown a file; `undefined` for not at all. */
function findForm({ use, mediaType = '', size = Infinity }: FileBlock, takesPdf: boolean): ContentForm | undefined {
  if (use === 'workspace') return undefined;
  if (IMAGE_TYPES.includes(mediaType)) return size <= MAX_IMAGE_BYTES ? 'image' : undefined;
  if (mediaType === 'application/pdf') return takesPdf && size <= MAX_PDF_BYTES ? 'pdf' : undefined;
  return TEXT_TYPES.test(mediaType) && size <= MAX_TEXT_BYTES ? 'text' : undefined;
}

/** Bytes of the content in the request to the model. */
function toShownSize(form: ContentForm, { size = 0 }: FileBlock): number {
  return form === 'text' ? size : Math.ceil(size / 3) * 4;
}

function toContent({ name, mediaType = '', title, context }: FileBlock, form: ContentForm, data: string): PromptBlock {
  const names = { title: title ?? name ?? null, ...(context === undefined ? {} : { context }) };
  switch (form) {
    case 'image':
      return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
    case 'pdf':
      return { type: 'document', source: { type: 'base64', media_type: mediaType, data }, ...names };
    case 'text':
      return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...names };
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
