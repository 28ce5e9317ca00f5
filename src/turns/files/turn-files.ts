import { Injectable } from '@nestjs/common';
import { describeMissingFile, type FileBlock, filesIn } from '../../domain/file-block.js';
import type { Prompt } from '../../domain/prompt.js';
import type { SeedBlock, SeedMessage } from '../../domain/seed/seed-message.js';
import { ServiceError } from '../../domain/service-error.js';
import { fileNotFound, UploadedFiles } from '../../filestore/uploaded-files.js';
import { referToFiles, type StoredFile } from '../../storage/stores/file.store.js';
import type { StoredWith } from '../../storage/stores/turn.store.js';
import type { AgentSeed } from '../memory/thread-memory.js';
import type { TurnInput } from '../matching/caller-results.js';

/** How many files a message may name: each is copied into the workspace, and said in the prompt. */
const MAX_FILES = 100;

/** What the agent of a new turn is given. */
interface Given {
  readonly input: TurnInput;
  readonly opening: AgentSeed;
}

/**
 * The uploaded files that the prompts of turns name. They are looked up when a turn begins, and not before: the retry of a request attaches to its turn, also
 * after a file was deleted. From then on, the turn keeps them.
 */
@Injectable()
export class TurnFiles {
  constructor(private readonly files: UploadedFiles) {}

  /**
   * Checks the files of a message before anything of it is stored.
   *
   * @throws ServiceError (`not_found`) for one that the tenant does not have, (`bad_request`) for an image that is none, and for too many files
   */
  async check(tenant: string, { prompt, results }: TurnInput): Promise<void> {
    const named = filesIn([...prompt, ...contentsOf(results)]);
    if (named.length > MAX_FILES)
      throw new ServiceError('bad_request', `Too many files: a message may have ${MAX_FILES} of them.`);
    const given = named.filter(isUploaded);
    if (given.length === 0) return;
    const found = await this.#find(tenant, given);
    for (const { id, use } of given) {
      const file = found.get(id);
      if (file === undefined) throw fileNotFound(id);
      if (use === 'image' && !file.mediaType.startsWith('image/'))
        throw new ServiceError('bad_request', `Invalid file type: ${id} is ${file.mediaType} and cannot be an image.`);
    }
  }

  /** Adds to the files what is known of them. Those of an earlier conversation that are gone become texts that say so. */
  async describe(tenant: string, { input, opening }: Given): Promise<Given> {
    const { prompt, results } = input;
    const earlier = [...opening.seed.flatMap(({ content }) => content), ...(opening.prompt ?? [])];
    const given = filesIn([...prompt, ...contentsOf(results), ...earlier]).filter(isUploaded);
    if (given.length === 0) return { input, opening };
    const found = await this.#find(tenant, given);
    const inPrompt = (blocks: Prompt): Prompt =>
      blocks.map((block) => (block.type === 'file' ? fill(block, found) : block));
    return {
      input: {
        prompt: inPrompt(prompt),
        results: results.map((each) => ({ ...each, content: inPrompt(each.content) })),
      },
      opening: {
        ...opening,
        seed: opening.seed.map((message) => fillMessage(message, inPrompt)),
        ...(opening.prompt === undefined ? {} : { prompt: inPrompt(opening.prompt) }),
      },
    };
  }

  /** Keeps the files of a turn for it, in the transaction that stores it. `undefined` for a turn without any. */
  storedWith(tenant: string, turnId: string, { input, opening }: Given): StoredWith | undefined {
    const needed = toIds(filesIn([...(opening.prompt ?? input.prompt), ...contentsOf(input.results)]));
    const earlier = toIds(filesIn(opening.seed.flatMap(({ content }) => content)));
    const ids = [...new Set([...needed, ...earlier])];
    if (ids.length === 0) return undefined;
    return async (transaction) => {
      const missing = await referToFiles(transaction, turnId, tenant, ids);
      // It was deleted just now.
      const first = missing.find((id) => needed.includes(id));
      if (first !== undefined) throw fileNotFound(first);
    };
  }

  async #find(tenant: string, files: readonly FileBlock[]): Promise<ReadonlyMap<string, StoredFile>> {
    const found = await this.files.findAll(tenant, toIds(files));
    return new Map(found.map((file) => [file.id, file]));
  }
}

function contentsOf(results: TurnInput['results']): Prompt {
  return results.flatMap(({ content }) => content);
}

function isUploaded({ data }: FileBlock): boolean {
  return data === undefined;
}

function toIds(files: readonly FileBlock[]): readonly string[] {
  return [...new Set(files.filter(isUploaded).map(({ id }) => id))];
}

function fill(block: FileBlock, found: ReadonlyMap<string, StoredFile>): Prompt[number] {
  if (!isUploaded(block)) return block;
  const file = found.get(block.id);
  if (file === undefined) return { type: 'text', text: describeMissingFile(block) };
  const { name, mediaType, size } = file;
  return { ...block, name, mediaType, size };
}

function fillMessage(message: SeedMessage, inPrompt: (blocks: Prompt) => Prompt): SeedMessage {
  const content = message.content.flatMap((block): readonly SeedBlock[] => {
    if (block.type === 'tool-call') return [block];
    return block.type === 'tool-result' ? [{ ...block, content: inPrompt(block.content) }] : inPrompt([block]);
  });
  return { ...message, content };
}
