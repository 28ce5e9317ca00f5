import type { ModelTokens, Upstream } from '../../protocol.ts';

/** The longest line, or JSON answer, that is looked at. The last event of OpenAI repeats the whole answer. */
const MAX_BYTES = 64 * 1024 * 1024;

const LINE_FEED = 0x0a;
/** What a line with tokens has in it, by the form of the answers. */
const MARKS = { anthropic: '"usage"', openai: '"usage"', gemini: '"usageMetadata"' } as const;
const READERS = { anthropic: readAnthropic, openai: readOpenAi, gemini: readGemini } as const;
const NONE: ModelTokens = {
  model: 'unknown',
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  cacheCreation1hInputTokens: 0,
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the tokens out of one answer of a model provider while its bytes pass by. Only lines that have `"usage"` in them are parsed: of a stream of
 * Anthropic its first and last, of one of OpenAI its last; of Gemini all, as each has the count so far.
 */
export class TokenReader {
  readonly #answers: Upstream['answers'];
  readonly #mark: string;
  readonly #isStream: boolean;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #tokens: ModelTokens | undefined;

  constructor(answers: Upstream['answers'], isStream: boolean) {
    this.#answers = answers;
    this.#mark = MARKS[answers];
    this.#isStream = isStream;
  }

  /** Takes the next bytes of the answer. */
  push(chunk: Buffer): void {
    if (!this.#isStream) {
      this.#keep(chunk);
      return;
    }
    if (!chunk.includes(this.#mark)) {
      this.#skipLines(chunk);
      return;
    }
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#keep(chunk.subarray(start, end));
      this.#readPending();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** The answer is over. */
  end(): void {
    this.#readPending();
  }

  /** The tokens of the answer as far as it has come; `undefined` if it has none, as an error. */
  get tokens(): ModelTokens | undefined {
    return this.#tokens;
  }

  /** Passes over the lines of a chunk, but for the one that began before it and the one that goes on after it. */
  #skipLines(chunk: Buffer): void {
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last !== -1 && this.#pendingBytes > 0) {
      this.#keep(chunk.subarray(0, chunk.indexOf(LINE_FEED)));
      this.#readPending();
    }
    this.#keep(chunk.subarray(last + 1));
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#pendingBytes += part.length;
    if (this.#pendingBytes <= MAX_BYTES) this.#pending.push(part);
  }

  #readPending(): void {
    const isWhole = this.#pendingBytes <= MAX_BYTES;
    const line = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (!isWhole || line === undefined || !line.includes(this.#mark)) return;
    const text = line.toString('utf8');
    const fields = parse(this.#isStream ? text.replace(/^data:\s*/, '') : text);
    if (fields !== undefined) this.#take(fields);
  }

  #take(fields: Fields): void {
    this.#tokens = READERS[this.#answers](fields, this.#tokens ?? NONE) ?? this.#tokens;
  }
}

/** `message_start` has the input, and each `message_delta` the totals so far; without a stream, the message itself has both. */
function readAnthropic(fields: Fields, before: ModelTokens): ModelTokens | undefined {
  const message = fields['type'] === 'message_start' ? asFields(fields['message']) : fields;
  const usage = asFields(message['usage']);
  if (!['message_start', 'message_delta', 'message'].includes(String(fields['type']))) return undefined;
  return {
    model: asText(message['model']) ?? before.model,
    inputTokens: asCount(usage['input_tokens']) ?? before.inputTokens,
    outputTokens: asCount(usage['output_tokens']) ?? before.outputTokens,
    cacheReadInputTokens: asCount(usage['cache_read_input_tokens']) ?? before.cacheReadInputTokens,
    cacheCreationInputTokens: asCount(usage['cache_creation_input_tokens']) ?? before.cacheCreationInputTokens,
    cacheCreation1hInputTokens:
      asCount(asFields(usage['cache_creation'])['ephemeral_1h_input_tokens']) ?? before.cacheCreation1hInputTokens,
  };
}

/**
 * The last event of the Responses API has the response with its usage; without a stream, the answer is the response. Chat Completions have other names, and in
 * a stream a last chunk with the usage. Both count cached tokens in.
 */
function readOpenAi(fields: Fields): ModelTokens | undefined {
  const response = fields['response'] === undefined ? fields : asFields(fields['response']);
  const usage = asFields(response['usage']);
  const input = asCount(usage['input_tokens']) ?? asCount(usage['prompt_tokens']);
  if (input === undefined) return undefined;
  const details = asFields(usage['input_tokens_details'] ?? usage['prompt_tokens_details']);
  const cached = asCount(details['cached_tokens']) ?? 0;
  return {
    model: asText(response['model']) ?? NONE.model,
    inputTokens: Math.max(0, input - cached),
    outputTokens: asCount(usage['output_tokens']) ?? asCount(usage['completion_tokens']) ?? 0,
    cacheReadInputTokens: cached,
    cacheCreationInputTokens: 0,
    cacheCreation1hInputTokens: 0,
  };
}

/** Each part of an answer has the count so far. Gemini counts cached tokens in, and thinking apart from the output. */
function readGemini(fields: Fields): ModelTokens | undefined {
  const usage = asFields(fields['usageMetadata']);
  const input = asCount(usage['promptTokenCount']);
  if (input === undefined) return undefined;
  const cached = asCount(usage['cachedContentTokenCount']) ?? 0;
  return {
    ...NONE,
    model: asText(fields['modelVersion']) ?? NONE.model,
    inputTokens: Math.max(0, input - cached) + (asCount(usage['toolUsePromptTokenCount']) ?? 0),
    outputTokens: (asCount(usage['candidatesTokenCount']) ?? 0) + (asCount(usage['thoughtsTokenCount']) ?? 0),
    cacheReadInputTokens: cached,
  };
}

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? asFields(value) : undefined;
  } catch {
    // Some other line, or an answer that was cut off: it has no usage.
    return undefined;
  }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
