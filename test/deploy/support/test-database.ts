import { randomUUID } from 'node:crypto';
import pg from 'pg';

const ADMIN_URL = process.env['CHIRON_TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Makes an empty database. Gives its URL. */
export async function createDatabase(): Promise<string> {
  const name = `chiron_test_${randomUUID().replaceAll('-', '')}`;
  await administer(`create database ${name}`);
  return Object.assign(new URL(ADMIN_URL), { pathname: `/${name}` }).href;
}

/** Removes a database, if it is there, whoever uses it. */
export async function dropDatabase(url: string): Promise<void> {
  await administer(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: ADMIN_URL });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
