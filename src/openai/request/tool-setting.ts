import type { HeaderReader } from '../../clients/client-profile.js';
import type { AppConfig } from '../../config/app-config.js';
import { ServiceError } from '../../domain/service-error.js';
import { TOOL_BLOCK_SETTINGS, type ToolBlockSetting, toolBlockSetting } from '../../domain/tool-block-form.js';
import { TOOL_BLOCKS_HEADER } from '../../http/thread-headers.js';

/** Reads how the agent's tools are shown: by the request's header, else by the deployment. @throws ServiceError (`bad_request`) for an unknown form. */
export function readToolSetting(header: HeaderReader, config: Pick<AppConfig, 'toolBlocks'>): ToolBlockSetting {
  const form = header(TOOL_BLOCKS_HEADER);
  const setting = form === undefined ? config.toolBlocks : toolBlockSetting(form);
  if (setting !== undefined) return setting;
  throw new ServiceError('bad_request', `${TOOL_BLOCKS_HEADER}: must be one of ${TOOL_BLOCK_SETTINGS.join(', ')}`);
}
