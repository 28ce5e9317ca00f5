import type { FileBlock } from '../../domain/file-block.js';
import { isWebUrl, type PromptBlock, type PromptSource } from '../../domain/prompt.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { isJsonObject } from '../../domain/json.js';
import { missingOr } from '../../http/field-problems.js';
import type { TextFilter } from '../../domain/text-filter.js';

type Fields = Readonly<Record<string, unknown>>;

/** Handles a malformed or unsupported part of a content at `path`. */
export type Refuse = (path: string, problem: string) => undefined;

/** Refuses the request. @throws AnthropicException (400) always. */
export const refuseBlock: Refuse = (path, problem) => {
  throw badRequest(`${path}: ${problem}`);
};

/** Skips the part: for a history, which the caller can no longer change. */
export const skipBlock: Refuse = () => undefined;

/** Reads the content of messages as prompt blocks, in order. Drops empty blocks. */
export class BlockReader {
  /**
   * @param read filters each text.
   * @param refuse handles a malformed or unsupported part.
   */
  constructor(
    private readonly read: TextFilter,
    private readonly refuse: Refuse,
  ) {}

  /** Reads a content: a string or a list of blocks. */
  blocks(content: unknown, path: string): readonly PromptBlock[] {
    return this.each(content, path, (block, at) => this.block(block, at));
  }

  /** Reads the content of a tool result, which allows more block types than a message. Joins consecutive texts by lines. */
  resultBlocks(content: unknown, path: string): readonly PromptBlock[] {
    return joinedByLines(this.each(content ?? [], path, (block, at) => this.resultBlock(block, at)));
  }

  private each(
    content: unknown,
    path: string,
    blocksOf: (block: Fields, path: string) => readonly PromptBlock[],
  ): readonly PromptBlock[] {
    if (typeof content === 'string') return textBlock(this.read(content));
    if (!Array.isArray(content)) return this.none(path, missingOr(content, 'Input should be a valid list'));
    return content.flatMap((block: unknown, index) => {
      const at = `${path}.${index}`;
      return isJsonObject(block) ? blocksOf(block, at) : this.none(at, 'Input should be a valid dictionary');
    });
  }

  private block(block: Fields, path: string): readonly PromptBlock[] {
    switch (block['type']) {
      case 'text':
        return this.text(block, path);
      case 'image':
        return this.image(block, path);
      case 'document':
        return this.document(block, path);
      case 'container_upload':
        return this.file(block['file_id'], `${path}.file_id`, { use: 'workspace' });
      case 'search_result':
        return this.searchResult(block, path);
      case 'tool_result':
        return this.toolResult(block, path);
      default:
        return this.none(`${path}.type`, missingOr(block['type'], 'this content type is not supported'));
    }
  }

  private resultBlock(block: Fields, path: string): readonly PromptBlock[] {
    switch (block['type']) {
      case 'tool_reference': {
        const name = this.string(block['tool_name'], `${path}.tool_name`);
        return name === undefined ? [] : [{ type: 'text', text: `[tool ${name}]` }];
      }
      case 'browser_state':
        return [{ type: 'text', text: JSON.stringify({ tabs: block['tabs'], state_changes: block['state_changes'] }) }];
      case 'tool_result':
        return this.none(`${path}.type`, 'a tool_result cannot contain another tool_result');
      default:
        return this.block(block, path);
    }
  }

  private text(block: Fields, path: string): readonly PromptBlock[] {
    const text = this.string(block['text'], `${path}.text`);
    return text === undefined ? [] : textBlock(this.read(text));
  }

  private image({ source }: Fields, path: string): readonly PromptBlock[] {
    if (isFileSource(source)) return this.file(source['file_id'], `${path}.source.file_id`, { use: 'image' });
    const known = this.source(source, `${path}.source`);
    return known === undefined ? [] : [{ type: 'image', source: known }];
  }

  private document({ source, title, context }: Fields, path: string): readonly PromptBlock[] {
    const names = {
      ...(typeof title === 'string' ? { title } : {}),
      ...(typeof context === 'string' ? { context } : {}),
    };
    if (isFileSource(source))
      return this.file(source['file_id'], `${path}.source.file_id`, { use: 'document', ...names });
    if (!isJsonObject(source) || source['type'] !== 'content') {
      const known = this.source(source, `${path}.source`);
      return known === undefined ? [] : [{ type: 'document', source: known, ...names }];
    }
    const content = joinedByLines(this.blocks(source['content'], `${path}.source.content`));
    const [only] = content;
    if (content.length > 1 || (only !== undefined && only.type !== 'text')) {
      // Only documents with `content` may contain images.
      return precededBy(['[document]', ...Object.values(names)].join('\n'), content);
    }
    const data = only?.text ?? '';
    return [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...names }];
  }

  /** An uploaded file. Whether there is one of this id is asked when a turn begins: a retry attaches, also after the file was deleted. */
  private file(id: unknown, path: string, file: Pick<FileBlock, 'use' | 'title' | 'context'>): readonly PromptBlock[] {
    const known = this.string(id, path);
    return known === undefined ? [] : [{ type: 'file', id: known, ...file }];
  }

  private searchResult({ title, content }: Fields, path: string): readonly PromptBlock[] {
    const head = this.string(title, `${path}.title`);
    const found = this.blocks(content, `${path}.content`);
    return head === undefined ? found : precededBy(head, found);
  }

  /** Reads a tool result as text: callers run no tools for the agent, so it belongs to a call that the caller made itself. */
  private toolResult(block: Fields, path: string): readonly PromptBlock[] {
    const { tool_use_id: id, is_error: isError } = block;
    if (isError !== undefined && isError !== null && typeof isError !== 'boolean') {
      this.refuse(`${path}.is_error`, 'Input should be a valid boolean');
    }
    const call = `the caller's tool call ${typeof id === 'string' ? id : 'without an id'}`;
    const head = `[result of ${call}${isError === true ? ', which failed with an error' : ''}]`;
    return precededBy(head, this.resultBlocks(block['content'], `${path}.content`));
  }

  private source(source: unknown, path: string): PromptSource | undefined {
    if (!isJsonObject(source)) return this.refuse(path, missingOr(source, 'Input should be a valid dictionary'));
    switch (source['type']) {
      case 'base64':
      case 'text': {
        const mediaType = this.string(source['media_type'], `${path}.media_type`);
        const data = this.string(source['data'], `${path}.data`);
        if (mediaType === undefined || data === undefined) return undefined;
        return { type: source['type'], media_type: mediaType, data };
      }
      case 'url': {
        const url = this.string(source['url'], `${path}.url`);
        if (url === undefined) return undefined;
        if (isWebUrl(url)) return { type: 'url', url };
        return this.refuse(`${path}.url`, "URL scheme should be 'http' or 'https'");
      }
      default:
        return this.refuse(
          `${path}.type`,
          missingOr(source['type'], "Input should be 'base64', 'url', 'text' or 'file'"),
        );
    }
  }

  private string(value: unknown, path: string): string | undefined {
    return typeof value === 'string' ? value : this.refuse(path, missingOr(value, 'Input should be a valid string'));
  }

  private none(path: string, problem: string): readonly PromptBlock[] {
    this.refuse(path, problem);
    return [];
  }
}

function isFileSource(source: unknown): source is Fields {
  return isJsonObject(source) && source['type'] === 'file';
}

/** Puts a heading line before blocks, merged into their first text if they start with one. */
function precededBy(head: string, blocks: readonly PromptBlock[]): readonly PromptBlock[] {
  return joinedByLines([{ type: 'text', text: head }, ...blocks]);
}

/** Joins consecutive texts by lines. */
function joinedByLines(blocks: readonly PromptBlock[]): readonly PromptBlock[] {
  const joined: PromptBlock[] = [];
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length > 0) joined.push({ type: 'text', text: lines.join('\n') });
    lines = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') {
      lines.push(block.text);
    } else {
      flush();
      joined.push(block);
    }
  }
  flush();
  return joined;
}

function textBlock(text: string): readonly PromptBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
}
