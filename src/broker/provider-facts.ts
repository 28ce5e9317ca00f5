import { join } from 'node:path';
import { type AppConfig, listHarnessVariables } from '../config/app-config.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { ModelProvider, ProviderFacts } from './model-provider.js';
import type { Upstream } from './protocol.js';

/** Whether agents reach their models through the broker. */
export function usesBroker({ modelBroker }: Pick<AppConfig, 'modelBroker'>, { isolates }: Sandbox): boolean {
  return modelBroker === 'on' || (modelBroker === 'auto' && isolates);
}

/** The APIs of those of these providers for which the deployment has an address and a credential that the broker can use. */
export async function findUpstreams(
  providers: readonly ModelProvider[],
  config: AppConfig,
  sandbox: Sandbox,
): Promise<ReadonlyMap<ModelProvider, Upstream>> {
  const facts: Omit<ProviderFacts, 'variables'> = {
    templateText: (path) => sandbox.templateText(path),
    templateFile: (path) => findTemplateFile(config, path),
  };
  const upstreams = new Map<ModelProvider, Upstream>();
  for (const provider of providers) {
    const variables = listHarnessVariables(config, provider.harness);
    const upstream = await provider.toUpstream({ ...facts, variables });
    if (upstream !== undefined) upstreams.set(provider, upstream);
  }
  return upstreams;
}

function findTemplateFile({ homeTemplate }: AppConfig, path: string): string | undefined {
  const [folder, ...rest] = path.split('/');
  return homeTemplate === undefined || folder !== 'home' ? undefined : join(homeTemplate, ...rest);
}
