import type { Migration } from 'kysely/migration';
import { threadsAndTurns } from './0001-threads-and-turns.js';
import { callerTools } from './0002-caller-tools.js';
import { snapshots } from './0003-snapshots.js';
import { nodes } from './0004-nodes.js';
import { tenants } from './0005-tenants.js';
import { usage } from './0006-usage.js';
import { policies } from './0007-policies.js';
import { webhooks } from './0008-webhooks.js';
import { messageDeliveries } from './0009-message-deliveries.js';
import { deletedResponses } from './0010-deleted-responses.js';
import { files } from './0011-files.js';
import { turnMakers } from './0012-turn-makers.js';
import { smallerIndexes } from './0013-smaller-indexes.js';
import { turnInputs } from './0014-turn-inputs.js';

/**
 * All migrations in order, the same for both databases. A released migration never changes. A migration only adds what the version before
 * does not notice (tables, indexes, columns that may be empty or have a default), as servers of that version go on beside it during an
 * upgrade. What is no longer used is removed by a later version than the one that stops using it; an index may be replaced by one that serves the
 * version before as well.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> & Record<string, Migration> = {
  '0001-threads-and-turns': threadsAndTurns,
  '0002-caller-tools': callerTools,
  '0003-snapshots': snapshots,
  '0004-nodes': nodes,
  '0005-tenants': tenants,
  '0006-usage': usage,
  '0007-policies': policies,
  '0008-webhooks': webhooks,
  '0009-message-deliveries': messageDeliveries,
  '0010-deleted-responses': deletedResponses,
  '0011-files': files,
  '0012-turn-makers': turnMakers,
  '0013-smaller-indexes': smallerIndexes,
  '0014-turn-inputs': turnInputs,
};
