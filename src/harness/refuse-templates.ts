import type { Logger } from '@nestjs/common';
import { ConfigurationError } from '../config/configuration-error.js';
import { inspectTemplate } from '../sandbox/files/template.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';

/**
 * Looks through the templates before the first thread needs them.
 *
 * @param logger told what of them is not copied
 * @throws ConfigurationError when one of them cannot be copied.
 */
export function refuseBadTemplates(options: SandboxOptions, logger: Pick<Logger, 'warn'>): void {
  const problems = new Map<string, string>();
  for (const [variable, template] of [
    ['CHIRON_WORKSPACE_TEMPLATE', options.workspaceTemplate],
    ['CHIRON_HOME_TEMPLATE', options.homeTemplate],
  ] as const) {
    if (template === undefined) continue;
    const { problem, passedOver } = inspectTemplate(template, options.dataDirectory);
    if (problem !== undefined) problems.set(variable, problem);
    if (passedOver.length === 0) continue;
    const some = passedOver.slice(0, 5).join(', ');
    logger.warn(
      `${variable} has ${passedOver.length} entries that are no files, folders or links, and are not copied: ${some}`,
    );
  }
  if (problems.size > 0) throw new ConfigurationError(problems);
}
