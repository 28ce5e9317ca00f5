import { type Command, Option } from 'commander';
import type { AdminService } from '../admin/admin.service.js';
import { JSON_OPTION, type JsonOption, print } from './print.js';
import { addPolicyCommand } from './policy-command.js';
import { renderTable } from './render-table.js';

interface NewKeyOptions extends JsonOption {
  readonly tenant: string;
  readonly name?: string;
  readonly expires?: string;
  readonly admin?: boolean;
}

/** Adds the commands for tenants, keys and the audit log. They work on the store, also while the server runs. */
export function addAdminCommands(program: Command): void {
  addTenantCommands(program.command('tenants').description('the tenants of the store'));
  addKeyCommands(program.command('keys').description('the keys of the store'));
  program
    .command('audit')
    .description('who made, revoked and removed what, newest first')
    .option('--limit <count>', 'how many entries', '50')
    .option('--cursor <cursor>', 'the id of the last entry of the previous page')
    .option(...JSON_OPTION)
    .action(async ({ json, ...query }: JsonOption & { readonly limit: string; readonly cursor?: string }) => {
      const { parseAuditQuery } = await import('../admin/dto/admin-query.js');
      const page = parseAuditQuery(query);
      const { entries } = await onStore((admin) => admin.listAudit(page));
      const rows = entries.map((one) => [one.at, one.actor, one.action, one.tenant, one.key_id, one.id]);
      print(json, entries, () => renderTable(['at', 'actor', 'action', 'tenant', 'key', 'id'], rows));
    });
}

function addTenantCommands(tenants: Command): void {
  tenants
    .command('create')
    .description('make a tenant; threads that have its name already are its own')
    .argument('<name>', 'letters, digits, dots, hyphens and underscores')
    .option(...JSON_OPTION)
    .action(async (name: string, { json }: JsonOption) => {
      const { parseCreateTenant } = await import('../admin/dto/create-tenant.dto.js');
      const body = parseCreateTenant({ name });
      const tenant = await onStore((admin, actor) => admin.createTenant(body, actor));
      print(json, tenant, () => `Made the tenant ${tenant.name}${describeThreads(tenant.threads, 'has')}.`);
    });
  tenants
    .command('list')
    .description('list the tenants')
    .option(...JSON_OPTION)
    .action(async ({ json }: JsonOption) => {
      const all = await onStore((admin) => admin.listTenants());
      const rows = all.map((tenant) => [tenant.name, tenant.threads, tenant.created_at]);
      print(json, all, () => renderTable(['name', 'threads', 'created'], rows));
    });
  tenants
    .command('remove')
    .description('remove a tenant and revoke its keys')
    .argument('<name>')
    .addOption(new Option('--threads <what>', 'remove it although it has threads, which stay').choices(['keep']))
    .option(...JSON_OPTION)
    .action(async (name: string, { json, threads }: JsonOption & { readonly threads?: string }) => {
      const options = { keepThreads: threads === 'keep' };
      const removed = await onStore((admin, actor) => admin.removeTenant(name, options, actor));
      const text = `Removed the tenant ${name}. Revoked keys: ${removed.revoked_keys}${describeThreads(removed.threads, 'keeps')}.`;
      print(json, removed, () => text);
    });
  addPolicyCommand(
    tenants,
    { argument: '<name>', about: 'tenant' },
    {
      get: (admin, name) => admin.getTenantPolicy(name),
      set: (admin, name, policy, actor) => admin.setTenantPolicy(name, policy, actor),
    },
  );
}

function addKeyCommands(keys: Command): void {
  keys
    .command('create')
    .description('make a key of a tenant; it is shown once')
    .requiredOption('-t, --tenant <name>', 'whose threads it is for')
    .option('-n, --name <text>', 'what it is for')
    .option('-e, --expires <date>', 'when it expires: 2027-01-31 (midnight UTC) or 2027-01-31T12:00:00Z')
    .option('--admin', 'it may use /api/admin, too')
    .option(...JSON_OPTION)
    .action(async ({ json, tenant, name, expires, admin: isAdmin }: NewKeyOptions) => {
      const { parseCreateKey } = await import('../admin/dto/create-key.dto.js');
      const role = isAdmin === true ? 'admin' : 'user';
      const body = parseCreateKey({ tenant, name, role, expires_at: expires });
      const made = await onStore((admin, actor) => admin.createKey(body, actor));
      const expiry = made.expires_at === null ? '' : `, until ${made.expires_at}`;
      const about = `Made the key ${made.id} of ${made.tenant} (${made.role}${expiry}). It is shown this once:`;
      print(json, made, () => `${about}\n${made.key}`);
    });
  keys
    .command('list')
    .description('list the keys, newest first, without the keys themselves')
    .option('-t, --tenant <name>', 'of this tenant only')
    .option(...JSON_OPTION)
    .action(async ({ json, tenant }: JsonOption & { readonly tenant?: string }) => {
      const all = await onStore((admin) => admin.listKeys({ tenant }));
      const titles = ['id', 'tenant', 'name', 'role', 'state', 'created', 'expires', 'last used'];
      const rows = all.map((key) => [
        ...[key.id, key.tenant, key.name, key.role, key.state],
        ...[key.created_at, key.expires_at, key.last_used_at],
      ]);
      print(json, all, () => renderTable(titles, rows));
    });
  keys
    .command('revoke')
    .description('revoke a key: every server refuses it at once')
    .argument('<id>', 'key_…')
    .option(...JSON_OPTION)
    .action(async (id: string, { json }: JsonOption) => {
      const key = await onStore((admin, actor) => admin.revokeKey(id, actor));
      print(json, key, () => `Revoked the key ${key.id} of ${key.tenant}.`);
    });
  addPolicyCommand(
    keys,
    { argument: '<id>', about: 'key' },
    {
      get: (admin, id) => admin.getKeyPolicy(id),
      set: (admin, id, policy, actor) => admin.setKeyPolicy(id, policy, actor),
    },
  );
}

/** The store is imported only when a command needs it, so that `--help` is quick. */
async function onStore<Result>(work: (admin: AdminService, actor: string) => Promise<Result>): Promise<Result> {
  const { withAdmin } = await import('./store-administration.js');
  return withAdmin(work);
}

function describeThreads(threads: number, verb: 'has' | 'keeps'): string {
  if (threads === 0) return '';
  return verb === 'has' ? `, which has threads already (${threads})` : `; its threads stay (${threads})`;
}
