import type { AppConfig } from '../../config/app-config.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import type { Presentation } from '../../translator/views/apply-presentation.js';
import { TOOL_BLOCK_SETTINGS, toolBlockSetting } from '../../domain/tool-block-form.js';
import type { CreateMessageDto } from './create-message.dto.js';
import type { MessageRequest } from './message-request.js';

/** The header in which a request names the form of inner tools that it wants, instead of the deployment's. */
export const TOOL_BLOCKS_HEADER = 'x-chiron-tool-blocks';

/**
 * What of the answer a request wants to be shown. An answer in JSON is read by a program, so it gets no text besides, in whatever
 * form its request wants tools.
 *
 * @throws AnthropicException (400) for a form of tools that does not exist.
 */
export function readPresentation(
  request: MessageRequest,
  config: Pick<AppConfig, 'toolBlocks' | 'toolOutputLimit'>,
  wantsJson: boolean,
): Presentation {
  const { client, header, body, isSideRequest } = request;
  const form = header(TOOL_BLOCKS_HEADER);
  const setting = form === undefined ? config.toolBlocks : toolBlockSetting(form);
  if (setting === undefined) {
    throw badRequest(`${TOOL_BLOCKS_HEADER}: must be one of ${TOOL_BLOCK_SETTINGS.join(', ')}`);
  }
  const wanted = setting === 'auto' ? client.toolBlocks(request, isSideRequest) : setting;
  return {
    toolBlocks: wanted === 'text' && wantsJson ? 'mcp' : wanted,
    toolOutputLimit: config.toolOutputLimit,
    thinking: shownThinking(body.thinking),
    endsInText: client.needsFinalText,
  };
}

/** Some clients send displays such as `updates`, which are none of the API's; they show thinking as `summarized` does. */
function shownThinking(thinking: CreateMessageDto['thinking']): Presentation['thinking'] {
  if (thinking?.['type'] === 'disabled') return 'none';
  return thinking?.['display'] === 'omitted' ? 'omitted' : 'shown';
}
