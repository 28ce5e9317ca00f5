// Appends to a turn's log until the test kills it, and prints after each commit how many events are stored.
import 'reflect-metadata';
import './typescript-loader.mjs';

const { Database } = await import('../database/database.ts');
const { EventLog } = await import('../event-log/event-log.ts');
const [options, turn] = process.argv.slice(2).map((argument) => JSON.parse(argument));
const log = new EventLog(await Database.open(options), options);
await log.open(turn);
for (let count = 0; ; ) {
  for (let index = 0; index < 50; index += 1) {
    log.append(turn.id, [{ type: 'text-delta', id: 'b0', text: `${count} ` }]);
    count += 1;
  }
  await log.flush(turn.id);
  process.stdout.write(`${count}\n`);
}
