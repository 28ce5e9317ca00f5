import type { AppConfig } from '../../config/app-config.js';
import { ServiceError } from '../../domain/service-error.js';
import { TOOL_BLOCK_SETTINGS, toolBlockSetting } from '../../domain/tool-block-form.js';
import { TOOL_BLOCKS_HEADER } from '../../http/thread-headers.js';
import type { ResponsesCall, ResponsesClient } from '../clients/responses-client.js';
import type { ResponseToolForm } from '../translate/response-state.js';

/**
 * Reads how a request wants the agent's tools shown, by the same header and setting as in the Messages API. An answer in JSON gets no lines of
 * text, because a program parses it.
 *
 * @throws ServiceError (`bad_request`) for an unknown form.
 */
export function readToolForm(
  { header }: ResponsesCall,
  client: ResponsesClient,
  config: Pick<AppConfig, 'toolBlocks'>,
  wantsJson: boolean,
): ResponseToolForm {
  const form = header(TOOL_BLOCKS_HEADER);
  const setting = form === undefined ? config.toolBlocks : toolBlockSetting(form);
  switch (setting) {
    case undefined:
      throw new ServiceError('bad_request', `${TOOL_BLOCKS_HEADER}: must be one of ${TOOL_BLOCK_SETTINGS.join(', ')}`);
    case 'auto':
      return wantsJson && client.view.toolForm === 'both' ? 'calls' : client.view.toolForm;
    case 'text':
      return wantsJson ? 'calls' : 'lines';
    case 'none':
      return 'none';
    // This API has one form of calls.
    case 'mcp':
    case 'server':
      return 'calls';
    default:
      return setting satisfies never;
  }
}
