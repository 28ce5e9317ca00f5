import type { Logger } from '@nestjs/common';
import { ConfigurationError } from '../config/configuration-error.js';
import { inspectTemplate } from '../sandbox/files/template.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';

/**
 * Checks the templates at startup, so that a bad one does not fail every new thread. Warns about entries that are not copied.
 *
 * @throws ConfigurationError if a template cannot be copied.
 */
export function assertUsableTemplates(options: SandboxOptions, logger: Pick<Logger, 'warn'>): void {
  const problems = new Map<string, string>();
  for (const [variable, template] of [
    ['CHIRON_WORKSPACE_TEMPLATE', options.workspaceTemplate],
    ['CHIRON_HOME_TEMPLATE', options.homeTemplate],
  ] as const) {
    if (template === undefined) continue;
    const { problem, skipped } = inspectTemplate(template, options.dataDirectory);
    if (problem !== undefined) problems.set(variable, problem);
    if (skipped.length === 0) continue;
    const examples = skipped.slice(0, 5).join(', ');
    logger.warn(`${variable}: skipped ${skipped.length} entries that are not files, folders or links: ${examples}`);
  }
  if (problems.size > 0) throw new ConfigurationError(problems);
}
