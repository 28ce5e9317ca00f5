import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { JsonObject } from '../../domain/harness-event.js';
import { Database } from '../database/database.js';
import type { AuditLogTable, Tables } from '../database/tables.js';
import { parseEnum, parseStored } from './turn.js';

/** All that the audit log can say of administrators, and of callers. */
export const AUDIT_ACTIONS = [
  'tenant.create',
  'tenant.remove',
  'tenant.policy',
  'key.create',
  'key.revoke',
  'key.policy',
  'webhook.set',
  'webhook.remove',
  'turn.interrupt',
  'thread.remove',
] as const;

/** What an administrator or a caller did. */
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One thing that an administrator or a caller did. Never holds a key. */
export interface AuditEntry {
  /** Later entries have greater ids. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Who did it: the id of a key, `oidc:` and the subject of a token, `settings:` and the name of a key of the settings, or {@link COMMAND_LINE}. */
  readonly actor: string;
  readonly action: AuditAction;
  readonly tenant: string;
  /** The key that was made or revoked, or whose policy was set. */
  readonly keyId: string | undefined;
  readonly details: JsonObject;
}

/** An entry to write. */
export type NewAuditEntry = Omit<AuditEntry, 'id'>;

/** The actor of what is done with the program `chiron`. */
export const COMMAND_LINE = 'cli';

/** A page of the audit log, newest first. */
export interface AuditPage {
  readonly limit: number;
  /** The id of the last entry of the previous page. */
  readonly before?: string;
}

/** The audit log. Entries are written with what they are about, in one transaction; see {@link recordAudit}. */
@Injectable()
export class AuditStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Writes an entry about what is no change of the store. Rejects when the store cannot be reached. */
  record(entry: NewAuditEntry): Promise<void> {
    return this.database.transaction((transaction) => recordAudit(transaction, entry));
  }

  /** A page of entries, newest first. Rejects when the store cannot be reached. */
  async list({ limit, before }: AuditPage): Promise<readonly AuditEntry[]> {
    let query = this.database.kysely.selectFrom('audit_log').selectAll();
    if (before !== undefined) query = query.where('id', '<', before);
    return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toAuditEntry);
  }
}

/** Writes an entry in the transaction of what it is about, so that neither is there without the other. */
export async function recordAudit(
  transaction: Transaction<Tables>,
  { at, actor, action, tenant, keyId, details }: NewAuditEntry,
): Promise<void> {
  const last = await transaction.selectFrom('audit_log').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  await transaction
    .insertInto('audit_log')
    .values({
      id: createAuditId(at, last?.id),
      at,
      actor,
      action,
      tenant,
      key_id: keyId ?? null,
      details: JSON.stringify(details),
    })
    .execute();
}

/** The entry of an interrupt that a caller asked for, at this time (milliseconds since the epoch). */
export function toInterruption(
  { tenant, key }: { readonly tenant: string; readonly key: string },
  { id }: { readonly id: string },
  actor: string,
  at: number,
): NewAuditEntry {
  return { at, actor, action: 'turn.interrupt', tenant, keyId: undefined, details: { thread_key: key, turn_id: id } };
}

const ID_PREFIX = 'aud_';
const TIME_DIGITS = 12;

/**
 * Makes an id that sorts by time, as UUIDs of version 7 do, and after `last`: another server's clock may be some milliseconds ahead. Lower-case
 * hexadecimal digits sort the same in every collation.
 */
function createAuditId(at: number, last: string | undefined): string {
  const lastTime = last === undefined ? 0 : Number.parseInt(last.slice(ID_PREFIX.length).slice(0, TIME_DIGITS), 16);
  const time = Math.max(at, lastTime + 1);
  return `${ID_PREFIX}${time.toString(16).padStart(TIME_DIGITS, '0')}${randomBytes(8).toString('hex')}`;
}

function toAuditEntry(row: AuditLogTable): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: row.actor,
    action: parseEnum(AUDIT_ACTIONS, row.action, 'audit action'),
    tenant: row.tenant,
    keyId: row.key_id ?? undefined,
    details: parseStored<JsonObject>(row.details),
  };
}
