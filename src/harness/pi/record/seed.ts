import type { JsonObject } from '../../../domain/harness-event.js';
import type { PromptBlock } from '../../../domain/prompt.js';
import type { SeedBlock, SeedMessage } from '../../../domain/seed/seed-message.js';
import { AGENT_SERVER } from '../../../domain/seed/seed-message.js';
import { toCarriedName } from '../../caller-tool-names.js';
import type { Upload } from '../../prompt/prompt-parts.js';
import { toPiContent } from '../process/input.js';
import { assistantMessage, resultMessage, userMessage } from './entries.js';

/** The limit of Anthropic's and OpenAI's APIs on the names of tools. */
const MAX_NAME_LENGTH = 64;

/** An earlier conversation in pi's own form. */
export interface PiSeed {
  readonly messages: readonly JsonObject[];
  /** Files that must be there before the agent reads them. */
  readonly uploads: readonly Upload[];
}

/** The earlier messages as pi records them. Ids of calls stay: pi makes them fit the provider that it asks (1.6.0, seen). */
export function toPiSeed(seed: readonly SeedMessage[], folder: string): PiSeed {
  const names = new Map<string, string>();
  const uploads: Upload[] = [];
  const toContent = (blocks: readonly PromptBlock[]): readonly JsonObject[] => {
    const found = toPiContent(blocks, folder);
    uploads.push(...found.uploads);
    return found.content;
  };
  const messages = seed.flatMap(({ role, content }): readonly JsonObject[] => {
    const said = content.filter((block) => block.type !== 'tool-call' && block.type !== 'tool-result');
    if (role === 'assistant') return [toAssistant(toContent(said), content, names)];
    const results = content.flatMap((block) => {
      if (block.type !== 'tool-result') return [];
      const call = { id: block.id, name: names.get(block.id) ?? 'tool' };
      return [resultMessage(call, toContent(block.content), block.isError)];
    });
    return [...results, ...(said.length === 0 ? [] : [userMessage(toContent(said))])];
  });
  return { messages, uploads };
}

function toAssistant(
  said: readonly JsonObject[],
  content: readonly SeedBlock[],
  names: Map<string, string>,
): JsonObject {
  const calls = content.flatMap((block) => (block.type === 'tool-call' ? [toCall(block, names)] : []));
  return assistantMessage([...said, ...calls], calls.length > 0);
}

function toCall(
  { id, name, server, input }: Extract<SeedBlock, { readonly type: 'tool-call' }>,
  names: Map<string, string>,
): JsonObject {
  const carried = toCarriedName(server === AGENT_SERVER ? name : `mcp__${server}__${name}`, {
    maxLength: MAX_NAME_LENGTH,
  });
  names.set(id, carried);
  return { type: 'toolCall', id, name: carried, arguments: input };
}
