import { prepareBundleFile } from '../broker/ca-bundle.js';
import type { AppConfig } from '../config/app-config.js';
import type { SandboxMount, SandboxOptions } from '../sandbox/sandbox.js';

/** The sandbox that the settings ask for. */
export function toSandboxOptions(config: AppConfig): SandboxOptions {
  return {
    kind: config.sandboxKind,
    dataDirectory: config.dataDirectory,
    sharedDirectory: config.threadStore === 'shared' ? config.sharedDirectory : undefined,
    makesFoldersAhead: config.threadStore !== 'shared',
    workspaceTemplate: config.workspaceTemplate,
    workspaceTemplates: config.workspaceTemplates,
    homeTemplate: config.homeTemplate,
    mounts: [...config.sandboxMounts, ...mountAuthorities(config)],
    userIds: config.sandboxUserIds,
    limits: {
      memoryBytes: config.threadMemoryBytes,
      processes: config.threadProcesses,
      openFiles: config.threadOpenFiles,
    },
  };
}

/** Lets agents see the certificate authority that the broker has for hosts with a credential. */
function mountAuthorities({ toolCredentials, dataDirectory }: AppConfig): readonly SandboxMount[] {
  if (toolCredentials.length === 0) return [];
  const file = prepareBundleFile(dataDirectory);
  return [{ source: file, target: file, isWritable: false }];
}
