import { access, constants } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AppConfig } from '../../config/app-config.js';
import { readFreeBytes } from '../../storage/database/data-folder.js';
import { Database, describeError, describePostgres, SQLITE_FILE } from '../../storage/database/database.js';
import { readSchemaState, type SchemaState } from '../../storage/database/migrate.js';
import { KeyStore } from '../../storage/stores/key.store.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** What the store says of who may call. */
export interface StoredAccess {
  readonly hasKeys: boolean;
  /** The tenants with keys in force. */
  readonly tenants: readonly string[];
}

/** What was found out about the store. */
export interface StoreReport {
  readonly findings: readonly Finding[];
  /** `undefined` when the store cannot be read. */
  readonly access: StoredAccess | undefined;
}

const NO_KEYS: StoredAccess = { hasKeys: false, tenants: [] };
/** Before the migration of this name, the store had no keys. */
const FIRST_WITH_KEYS = '0005-tenants';

/** Looks at the store without changing it. Servers may run on it. */
export async function checkStore(config: AppConfig): Promise<StoreReport> {
  const { databaseUrl, dataDirectory } = config;
  if (databaseUrl === undefined && !existsSync(join(dataDirectory, SQLITE_FILE))) {
    return { findings: [await checkNewStore(dataDirectory)], access: NO_KEYS };
  }
  const place = databaseUrl === undefined ? `SQLite in ${dataDirectory}` : describePostgres(databaseUrl);
  let database: Database;
  try {
    database = await Database.openAsItIs(config);
  } catch (error) {
    return { findings: [problem('store', `${describeError(error)}.`, STORE_REMEDY)], access: undefined };
  }
  try {
    return await inspect(database, place);
  } catch (error) {
    const message = `The store (${place}) cannot be read: ${describeError(error)}.`;
    return { findings: [problem('store', message, STORE_REMEDY)], access: undefined };
  } finally {
    await database.close();
  }
}

const STORE_REMEDY =
  'Look at CHIRON_DATA_DIR or CHIRON_DATABASE_URL, and run this as the user of the server, in its folder.';

async function inspect(database: Database, place: string): Promise<StoreReport> {
  const schema = await readSchemaState(database.kysely, database.kind);
  if (schema.problem !== undefined) {
    return {
      findings: [problem('store', `The store (${place}) cannot be used: ${schema.problem}.`)],
      access: undefined,
    };
  }
  const findings = [describeSchema(schema, place)];
  // Without the first migration there is no table to write to.
  if (schema.last !== undefined) findings.push(await checkWrite(database));
  return { findings, access: await readAccess(database, schema) };
}

function describeSchema({ last, missing }: SchemaState, place: string): Finding {
  if (missing === 0) return ok('store', `The store (${place}) has the schema of this version, ${last}.`);
  const state = last === undefined ? 'is empty' : `has the schema ${last}`;
  return warning(
    'store',
    `The store (${place}) ${state}; migrations that it lacks: ${missing}.`,
    'The next server that starts migrates it, as chiron migrate does. Back it up before.',
  );
}

async function checkWrite(database: Database): Promise<Finding> {
  try {
    await database.probeWrite();
    return ok('store', 'It can be written.');
  } catch (error) {
    return problem('store', `It cannot be written: ${describeError(error)}.`, STORE_REMEDY);
  }
}

async function readAccess(database: Database, { last = '' }: SchemaState): Promise<StoredAccess> {
  if (last < FIRST_WITH_KEYS) return NO_KEYS;
  const keys = new KeyStore(database);
  return { hasKeys: await keys.hasAny(), tenants: await keys.tenantsInUse() };
}

async function checkNewStore(dataDirectory: string): Promise<Finding> {
  try {
    await access(nearestFolder(dataDirectory), constants.W_OK | constants.X_OK);
    return ok('store', `There is no store yet; the first server makes it: SQLite in ${dataDirectory}.`);
  } catch (error) {
    return problem('store', `The data folder ${dataDirectory} cannot be made: ${describeError(error)}.`, STORE_REMEDY);
  }
}

/** Looks at the free space that new turns need. */
export async function checkDisk({ dataDirectory, minFreeDiskBytes }: AppConfig): Promise<Finding> {
  try {
    const free = await readFreeBytes(nearestFolder(dataDirectory));
    const megabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)} MB`;
    const message = `The disk of the data folder has ${megabytes(free)} free`;
    if (free >= minFreeDiskBytes) return ok('disk', `${message}.`);
    const limit = `less than CHIRON_MIN_FREE_DISK_MB (${megabytes(minFreeDiskBytes)}): new turns are refused`;
    return problem('disk', `${message}, ${limit}.`, 'Free the disk, or lower CHIRON_DATA_LIMIT_GB.');
  } catch (error) {
    return warning('disk', `The free space of the data folder cannot be read: ${describeError(error)}.`);
  }
}

/** The folder, or the first of those above it that exists. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
