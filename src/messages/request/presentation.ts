import type { AppConfig } from '../../config/app-config.js';
import type { ClientKind } from '../../clients/client-kind.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import type { Presentation } from '../../translator/views/apply-presentation.js';
import { TOOL_BLOCK_SETTINGS, type ToolBlockForm, toolBlockSetting } from '../../domain/tool-block-form.js';
import type { CreateMessageDto } from './create-message.dto.js';

/** The header in which a request names the form of inner tools that it wants, instead of the deployment's. */
export const TOOL_BLOCKS_HEADER = 'x-chiron-tool-blocks';

/** What decides how an answer is shown besides what its request asks for. */
export interface Reader {
  readonly caller: ClientKind;
  /** Whether a person reads the answer in a terminal as it comes. */
  readonly isTerminal: boolean;
  /** Whether the answer is JSON, which a program reads: it gets no text besides, in whatever form its request wants tools. */
  readonly readsJson: boolean;
}

/**
 * What of the answer a request wants to be shown.
 *
 * @param form the value of the header, `undefined` when it is absent.
 * @throws AnthropicException (400) for a form that does not exist.
 */
export function presentation(
  form: string | undefined,
  body: Pick<CreateMessageDto, 'thinking'>,
  config: Pick<AppConfig, 'toolBlocks' | 'toolOutputLimit'>,
  reader: Reader,
): Presentation {
  const setting = form === undefined ? config.toolBlocks : toolBlockSetting(form);
  if (setting === undefined) {
    throw badRequest(`${TOOL_BLOCKS_HEADER}: must be one of ${TOOL_BLOCK_SETTINGS.join(', ')}`);
  }
  const wanted = setting === 'auto' ? bestForm(reader) : setting;
  return {
    toolBlocks: wanted === 'text' && reader.readsJson ? 'mcp' : wanted,
    toolOutputLimit: config.toolOutputLimit,
    thinking: shownThinking(body.thinking),
    endsInText: reader.caller === 'claude-code',
  };
}

/**
 * Claude Code's terminal shows nothing of MCP blocks, so its user would look at a spinner for as long as the agent works. Everywhere
 * else, `claude -p` and the Agent SDK included, the last text of an answer is its result, which text about tools would be a part of.
 * [Claude Code 2.1.330, 2.1.197]
 */
function bestForm({ isTerminal }: Reader): ToolBlockForm {
  return isTerminal ? 'text' : 'mcp';
}

/** Claude Code 2.1.330 also sends displays such as `updates`, which are none of the API's; they show thinking as `summarized` does. */
function shownThinking(thinking: CreateMessageDto['thinking']): Presentation['thinking'] {
  if (thinking?.['type'] === 'disabled') return 'none';
  return thinking?.['display'] === 'omitted' ? 'omitted' : 'shown';
}
