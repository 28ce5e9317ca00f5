import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { AdminService } from '../admin/admin.service.js';
import type { KeyPolicyView, TenantPolicyView } from '../admin/admin-views.js';
import { JSON_OPTION, type JsonOption, print } from './print.js';

type Policy = TenantPolicyView['policy'];

interface PolicyOptions extends JsonOption {
  readonly set?: string;
  readonly file?: string;
}

/** How the policies of tenants, or of keys, are read and set. */
interface PolicyActions {
  readonly get: (admin: AdminService, subject: string) => Promise<TenantPolicyView | KeyPolicyView>;
  readonly set: (
    admin: AdminService,
    subject: string,
    policy: Policy,
    actor: string,
  ) => Promise<TenantPolicyView | KeyPolicyView>;
}

/** Adds the command `policy` to that of tenants or of keys. */
export function addPolicyCommand(
  parent: Command,
  { argument, about }: { readonly argument: string; readonly about: string },
  actions: PolicyActions,
): void {
  parent
    .command('policy')
    .description(`print what a ${about} may do and how much, or replace it; see docs/policies.md`)
    .argument(argument)
    .addOption(new Option('--set <json>', 'the new policy; {} for none').conflicts('file'))
    .option('--file <path>', 'a file with the new policy')
    .option(...JSON_OPTION)
    .action(async (subject: string, { json, set, file }: PolicyOptions) => {
      const text = file === undefined ? set : readFileSync(file, 'utf8');
      const policy = text === undefined ? undefined : await parsePolicyText(text);
      const { withAdmin } = await import('./store-administration.js');
      const view = await withAdmin((admin, actor) =>
        policy === undefined ? actions.get(admin, subject) : actions.set(admin, subject, policy, actor),
      );
      print(json, view, () => JSON.stringify(view.policy, undefined, 2));
    });
}

async function parsePolicyText(text: string): Promise<Policy> {
  const { parsePolicy } = await import('../admin/dto/policy.dto.js');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new Error('the policy is not JSON', { cause: error });
  }
  return parsePolicy(body);
}
