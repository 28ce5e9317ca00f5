// Loaded into a measured server with `--import`: events are not stored, so that what storing them costs can be told. Turns,
// threads and messages are, as ever.
import { DatabaseSync } from 'node:sqlite';

// oxlint-disable-next-line typescript/unbound-method -- called with its database below
const prepare = DatabaseSync.prototype.prepare;

DatabaseSync.prototype.prepare = function prepareWithoutEvents(sql) {
  const statement = prepare.call(this, sql);
  if (/^insert into "turn_events"/i.test(sql)) statement.run = () => ({ changes: 1, lastInsertRowid: 0 });
  return statement;
};
