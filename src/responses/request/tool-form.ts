import type { AppConfig } from '../../config/app-config.js';
import { readToolSetting } from '../../openai/request/tool-setting.js';
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
  const setting = readToolSetting(header, config);
  switch (setting) {
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
