import type { AgentSettings } from '../../../config/agent-settings.js';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';

/**
 * Gives an agent the deployment's own settings again, before its program starts: an agent may change its files of settings, and would have the next process use
 * another model, or run what its last prompt or a repository wanted. A file that the deployment does not have is removed.
 */
export async function restoreSettings(
  { files, workspaceTemplate }: Pick<HarnessThread, 'files' | 'workspaceTemplate'>,
  { settingsFiles }: Pick<AgentSettings, 'settingsFiles'>,
  sandbox: Pick<Sandbox, 'templateText'>,
): Promise<void> {
  for (const name of settingsFiles) {
    const path = `home/${name}`;
    const text = await sandbox.templateText(path, workspaceTemplate);
    if (text === undefined) await files.remove(path);
    else await files.write(path, text);
  }
}
