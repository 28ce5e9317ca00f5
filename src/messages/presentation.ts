import type { AppConfig } from '../config/app-config.js';
import { badRequest } from '../translator/anthropic.exception.js';
import type { Presentation } from '../translator/present.js';
import { TOOL_BLOCK_FORMS } from '../translator/tool-blocks.js';
import type { CreateMessageDto } from './dto/create-message.dto.js';

/** The header in which a request names the form of inner tools that it wants, instead of the deployment's. */
export const TOOL_BLOCKS_HEADER = 'x-chiron-tool-blocks';

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
): Presentation {
  const toolBlocks = form === undefined ? config.toolBlocks : TOOL_BLOCK_FORMS.find((one) => one === form);
  if (toolBlocks === undefined) {
    throw badRequest(`${TOOL_BLOCKS_HEADER}: must be one of ${TOOL_BLOCK_FORMS.join(', ')}`);
  }
  return { toolBlocks, toolOutputLimit: config.toolOutputLimit, thinking: shownThinking(body.thinking) };
}

/** Claude Code 2.1.330 also sends displays such as `updates`, which are none of the API's; they show thinking as `summarized` does. */
function shownThinking(thinking: CreateMessageDto['thinking']): Presentation['thinking'] {
  if (thinking?.['type'] === 'disabled') return 'none';
  return thinking?.['display'] === 'omitted' ? 'omitted' : 'shown';
}
