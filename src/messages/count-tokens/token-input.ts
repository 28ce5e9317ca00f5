import { readContent } from '../../anthropic/content.js';
import { isJsonObject } from '../../domain/json.js';

/** The countable input of a request. */
export interface TokenInput {
  /** All texts, joined by line breaks, which stand for the punctuation of JSON. */
  readonly text: string;
  /** Estimated tokens of everything that is not text. */
  readonly fixedTokens: number;
  /** The factor by which to multiply the count: above 1 if the request has more values than are visited. */
  readonly scale: number;
}

/** The fields of a request that have tokens. */
export interface CountableRequest {
  readonly messages: readonly unknown[];
  readonly system?: unknown;
  readonly tools?: readonly unknown[] | null;
}

/** Maximum number of JSON values visited. A request of Claude Code with a million tokens has about 20,000. */
export const MAX_VALUES = 200_000;
/** Anthropic's own estimate for an image at the maximum size that models see (1568 pixels per side). */
export const IMAGE_TOKENS = 1600;
/** A page of a PDF counts as text and as an image. */
export const PAGE_TOKENS = 2000;
/** Assumed bytes of a PDF per page. */
export const PAGE_BYTES = 50_000;
/** Overhead of the conversation. */
export const REQUEST_TOKENS = 3;
/** Overhead of each message. */
export const MESSAGE_TOKENS = 4;
/** Anthropic's instructions for tool use, once per request with tools. The documented value for Claude 4. */
export const TOOL_USE_TOKENS = 346;
/** The brackets of a JSON list or object; the line breaks between texts stand for other punctuation. */
const CONTAINER_TOKENS = 1;

/** Fields of blocks that models do not read. */
const IGNORED_FIELDS = new Set([
  'type',
  'id',
  'tool_use_id',
  'cache_control',
  'citations',
  'signature',
  'encrypted_index',
]);

type Fields = Readonly<Record<string, unknown>>;

/** A value to visit. In `json` every field counts as text; `content` interprets blocks. */
interface Pending {
  readonly value: unknown;
  readonly form: 'content' | 'json';
}

/**
 * Extracts the countable input of a request. Visits each value once and at most {@link MAX_VALUES} values, without recursion, so deep
 * JSON is safe. Never throws.
 */
export function extractTokenInput(request: CountableRequest): TokenInput {
  const walk = new JsonWalk();
  const tools = (request.tools ?? []).filter((tool) => !isDeferred(tool));
  if (tools.length > 0) walk.fixedTokens += TOOL_USE_TOKENS;
  // The last value enqueued is visited first: the system prompt and the tools, then the messages.
  walk.enqueue(request.messages.map(readContent), 'content');
  walk.enqueue(tools, 'json');
  walk.enqueue([request.system], 'content');
  walk.drain();
  walk.fixedTokens += REQUEST_TOKENS;
  return {
    text: walk.texts.join('\n'),
    fixedTokens: walk.fixedTokens + request.messages.length * MESSAGE_TOKENS,
    scale: (walk.seen + walk.skipped) / Math.max(1, walk.seen),
  };
}

class JsonWalk {
  readonly texts: string[] = [];
  fixedTokens = 0;
  seen = 0;
  /** Number of values beyond the limit. */
  skipped = 0;
  readonly #pending: Pending[] = [];

  enqueue(values: readonly unknown[], form: Pending['form']): void {
    // Backwards, so that the texts keep their order.
    for (let index = this.reserve(values.length, 1) - 1; index >= 0; index -= 1) {
      this.#pending.push({ value: values[index], form });
    }
  }

  drain(): void {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.seen += 1;
      this.visit(next);
    }
  }

  private visit({ value, form }: Pending): void {
    if (typeof value === 'string') {
      this.texts.push(value);
    } else if (Array.isArray(value)) {
      if (form === 'json') this.fixedTokens += CONTAINER_TOKENS;
      this.enqueue(value, form);
    } else if (isJsonObject(value)) {
      this.visitObject(value, form);
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      this.texts.push(String(value));
    }
  }

  private visitObject(value: Fields, form: Pending['form']): void {
    if (form === 'json') {
      this.enqueueFields(value);
      return;
    }
    switch (value['type']) {
      case 'image':
        this.fixedTokens += IMAGE_TOKENS;
        return;
      case 'document':
        this.visitDocument(value);
        return;
      case 'redacted_thinking':
        this.fixedTokens += encryptedTokens(value['data']);
        return;
      case 'thinking':
        // A caller that was not shown the thinking sends it back inside its signature.
        if (value['thinking'] === '') this.fixedTokens += encryptedTokens(value['signature']);
        else this.enqueue([value['thinking']], form);
        return;
      default:
        this.visitBlock(value);
    }
  }

  /** Enqueues the names and values of an object's fields. An object may have millions, so this makes no entries. */
  private enqueueFields(value: Fields): void {
    this.fixedTokens += CONTAINER_TOKENS;
    const names = Object.keys(value);
    for (let index = this.reserve(names.length, 2) - 1; index >= 0; index -= 1) {
      const name = names[index];
      if (name !== undefined) this.#pending.push({ value: value[name], form: 'json' }, { value: name, form: 'json' });
    }
  }

  /** Returns how many of `count` items fit within the limit if each is `size` values. Counts the others as skipped. */
  private reserve(count: number, size: number): number {
    const room = Math.max(0, MAX_VALUES - this.seen - this.#pending.length);
    const reserved = Math.min(count, Math.floor(room / size));
    this.skipped += (count - reserved) * size;
    return reserved;
  }

  private visitBlock(block: Fields): void {
    const names = Object.keys(block);
    for (let index = this.reserve(names.length, 1) - 1; index >= 0; index -= 1) {
      const name = names[index];
      if (name === undefined || IGNORED_FIELDS.has(name)) continue;
      const value = block[name];
      if (name === 'encrypted_content') this.fixedTokens += encryptedTokens(value);
      else this.#pending.push({ value, form: name === 'input' ? 'json' : 'content' });
    }
  }

  private visitDocument({ source, title, context }: Fields): void {
    this.enqueue([title, context, documentText(source)], 'content');
    if (isJsonObject(source) && documentText(source) === undefined)
      this.fixedTokens += pages(source['data']) * PAGE_TOKENS;
  }
}

/** Returns the text or blocks of a document; `undefined` for a PDF or a document at a URL. */
function documentText(source: unknown): unknown {
  if (!isJsonObject(source)) return undefined;
  if (source['type'] === 'text') return source['data'];
  return source['type'] === 'content' ? source['content'] : undefined;
}

/** Whether the model sees the tool only after a tool search. */
function isDeferred(tool: unknown): boolean {
  return isJsonObject(tool) && tool['defer_loading'] === true;
}

/** Estimates the pages of a base64 PDF; one for a document at a URL. */
function pages(data: unknown): number {
  const bytes = typeof data === 'string' ? (data.length * 3) / 4 : 0;
  return Math.max(1, Math.ceil(bytes / PAGE_BYTES));
}

/** Estimates the tokens of an encrypted text in base64: about one per four bytes. */
function encryptedTokens(data: unknown): number {
  return typeof data === 'string' ? Math.ceil((data.length * 3) / 16) : 0;
}
