import type { AppConfig } from '../../config/app-config.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import type { Presentation } from '../../translator/views/apply-presentation.js';
import { TOOL_BLOCK_SETTINGS, toolBlockSetting } from '../../domain/tool-block-form.js';
import { TOOL_BLOCKS_HEADER } from '../../http/thread-headers.js';
import type { CreateMessageDto } from './create-message.dto.js';
import type { MessageRequest } from './message-request.js';

/**
 * Reads how a request wants its answer shown. A JSON answer gets no text blocks for tools, because a program parses it.
 *
 * @throws AnthropicException (400) for an unknown form of tools.
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
  const toolBlocks = setting === 'auto' ? client.toolBlocks(request, isSideRequest) : setting;
  return {
    toolBlocks: toolBlocks === 'text' && wantsJson ? 'mcp' : toolBlocks,
    toolOutputLimit: config.toolOutputLimit,
    thinking: shownThinking(body.thinking),
    endsInText: client.needsFinalText,
  };
}

/** Some clients send displays that the API does not have, such as `updates`; these show thinking like `summarized`. */
function shownThinking(thinking: CreateMessageDto['thinking']): Presentation['thinking'] {
  if (thinking?.['type'] === 'disabled') return 'none';
  return thinking?.['display'] === 'omitted' ? 'omitted' : 'shown';
}
