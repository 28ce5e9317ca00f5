import { readContent } from '../../anthropic/content.js';
import { isJsonObject } from '../../domain/json.js';

/** What there is to count of a request. */
export interface TokenInput {
  /** All its texts, a line break between each two: it stands for the punctuation that would be there in JSON. */
  readonly text: string;
  /** Tokens of what is not text, estimated. */
  readonly fixedTokens: number;
  /** How many times as much as this there is: above 1 for a request with more parts than are looked at. */
  readonly scale: number;
}

/** The parts of a request that count. */
export interface CountableRequest {
  readonly messages: readonly unknown[];
  readonly system?: unknown;
  readonly tools?: readonly unknown[] | null;
}

/** Most JSON values that are looked at. A request for a million tokens in Claude Code's form has about 20,000. */
export const MAX_VALUES = 200_000;
/** Anthropic's own estimate of a picture at the size that models see it (1568 pixels at most a side). */
export const IMAGE_TOKENS = 1600;
/** A page of a PDF is read as text and as a picture. */
export const PAGE_TOKENS = 2000;
/** Bytes of a PDF for each page that it is taken to have. */
export const PAGE_BYTES = 50_000;
/** What frames the conversation, and each message. */
export const REQUEST_TOKENS = 3;
/** See {@link REQUEST_TOKENS}. */
export const MESSAGE_TOKENS = 4;
/** Anthropic's instructions for tool use, once for a request with tools, as its documentation gives them for Claude 4. */
export const TOOL_USE_TOKENS = 346;
/** The brackets of a list or an object in JSON; the line breaks between texts stand for its other punctuation. */
const CONTAINER_TOKENS = 1;

/** Fields of blocks that no model reads as they are. */
const UNREAD = new Set(['type', 'id', 'tool_use_id', 'cache_control', 'citations', 'signature', 'encrypted_index']);

type Fields = Readonly<Record<string, unknown>>;

/** A value that is still to be looked at. In `json` every field is text; in `content` blocks have their meaning. */
interface Pending {
  readonly value: unknown;
  readonly form: 'content' | 'json';
}

/**
 * What there is to count of a request. Looks at each value once and at a bounded number of them, and does not recurse,
 * however deep the JSON. Never throws.
 */
export function extractTokenInput(request: CountableRequest): TokenInput {
  const walk = new JsonWalk();
  const tools = (request.tools ?? []).filter((tool) => !isDeferred(tool));
  if (tools.length > 0) walk.fixedTokens += TOOL_USE_TOKENS;
  // What comes last is looked at first: the system prompt and the tools, then the messages.
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
  /** Values that there was no room for. */
  skipped = 0;
  readonly #pending: Pending[] = [];

  enqueue(values: readonly unknown[], form: Pending['form']): void {
    // Backwards, so that the texts stand in their order.
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
      this.lookAtObject(value, form);
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      this.texts.push(String(value));
    }
  }

  private lookAtObject(value: Fields, form: Pending['form']): void {
    if (form === 'json') {
      this.fieldsLater(value);
      return;
    }
    switch (value['type']) {
      case 'image':
        this.fixedTokens += IMAGE_TOKENS;
        return;
      case 'document':
        this.lookAtDocument(value);
        return;
      case 'redacted_thinking':
        this.fixedTokens += sealedTokens(value['data']);
        return;
      case 'thinking':
        // A caller that was shown no thinking sends it back inside of its signature.
        if (value['thinking'] === '') this.fixedTokens += sealedTokens(value['signature']);
        else this.enqueue([value['thinking']], form);
        return;
      default:
        this.lookAtBlock(value);
    }
  }

  /** Both the names and the values of an object's fields. An object may have millions, so entries are not made of them. */
  private fieldsLater(value: Fields): void {
    this.fixedTokens += CONTAINER_TOKENS;
    const names = Object.keys(value);
    for (let index = this.reserve(names.length, 2) - 1; index >= 0; index -= 1) {
      const name = names[index];
      if (name !== undefined) this.#pending.push({ value: value[name], form: 'json' }, { value: name, form: 'json' });
    }
  }

  /** How many of these there is room for, if each is `size` values. The others are noted as left. */
  private reserve(count: number, size: number): number {
    const room = Math.max(0, MAX_VALUES - this.seen - this.#pending.length);
    const taken = Math.min(count, Math.floor(room / size));
    this.skipped += (count - taken) * size;
    return taken;
  }

  private lookAtBlock(block: Fields): void {
    const names = Object.keys(block);
    for (let index = this.reserve(names.length, 1) - 1; index >= 0; index -= 1) {
      const name = names[index];
      if (name === undefined || UNREAD.has(name)) continue;
      const value = block[name];
      if (name === 'encrypted_content') this.fixedTokens += sealedTokens(value);
      else this.#pending.push({ value, form: name === 'input' ? 'json' : 'content' });
    }
  }

  private lookAtDocument({ source, title, context }: Fields): void {
    this.enqueue([title, context, documentText(source)], 'content');
    if (isJsonObject(source) && documentText(source) === undefined)
      this.fixedTokens += pages(source['data']) * PAGE_TOKENS;
  }
}

/** What can be read of a document as it is: a text or blocks. `undefined` for a PDF, and for one that is elsewhere. */
function documentText(source: unknown): unknown {
  if (!isJsonObject(source)) return undefined;
  if (source['type'] === 'text') return source['data'];
  return source['type'] === 'content' ? source['content'] : undefined;
}

/** A tool that the model sees only once it has searched for it. */
function isDeferred(tool: unknown): boolean {
  return isJsonObject(tool) && tool['defer_loading'] === true;
}

/** Pages of a PDF in base64; one for a document that is elsewhere. */
function pages(data: unknown): number {
  const bytes = typeof data === 'string' ? (data.length * 3) / 4 : 0;
  return Math.max(1, Math.ceil(bytes / PAGE_BYTES));
}

/** Tokens of an encrypted text in base64: four of its bytes are about one. */
function sealedTokens(data: unknown): number {
  return typeof data === 'string' ? Math.ceil((data.length * 3) / 16) : 0;
}
