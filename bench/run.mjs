// Measures Chiron against a bare Node server, and writes the results into docs/performance.md.
//
//   npm run bench                          everything, about ten minutes
//   npm run bench -- --quick               everything in small, about a minute; writes nothing
//   npm run bench -- --only=events,start   selected measures; writes nothing
//   npm run bench -- --quick --write       writes these results
//   npm run bench -- --server=dist/main.js another build
import { resolve } from 'node:path';
import process from 'node:process';
import { checkBytes } from './check-bytes.mjs';
import { measureAttacks } from './measures/attacks.mjs';
import { measureBroker } from './measures/broker.mjs';
import { measureCallerTools } from './measures/caller-tools.mjs';
import { measureCluster } from './measures/cluster.mjs';
import { measureDoors } from './measures/doors.mjs';
import { measureDurability } from './measures/durability.mjs';
import { measureEvents } from './measures/events.mjs';
import { measureFelt } from './measures/felt.mjs';
import { measureFirstToken } from './measures/first-token.mjs';
import { measureHistory } from './measures/history.mjs';
import { measureIdleMemory } from './measures/idle-memory.mjs';
import { measureLargeBodies } from './measures/large-body.mjs';
import { measurePaced } from './measures/paced.mjs';
import { measureSandboxes } from './measures/sandbox.mjs';
import { measureStart } from './measures/start.mjs';
import { report, writeReport } from './report.mjs';
import { kinds } from './servers.mjs';

/** In the order of the table. */
const MEASURES = {
  events: measureEvents,
  doors: measureDoors,
  durability: measureDurability,
  paced: measurePaced,
  felt: measureFelt,
  'first-token': measureFirstToken,
  'large-body': measureLargeBodies,
  history: measureHistory,
  'caller-tools': measureCallerTools,
  sandbox: measureSandboxes,
  broker: measureBroker,
  cluster: measureCluster,
  attacks: measureAttacks,
  'idle-memory': measureIdleMemory,
  start: measureStart,
};

const options = new Map(process.argv.slice(2).map((argument) => argument.replace(/^--/, '').split('=')));
const isQuick = options.has('quick');
const only = options.get('only')?.split(',');
if (options.has('server')) kinds.chiron = resolve(options.get('server'));

await checkBytes();
const rows = [];
for (const [name, measure] of Object.entries(MEASURES)) {
  if (only !== undefined && !only.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  const measured = await measure({ isQuick });
  process.stderr.write(`${report(measured)}\n`);
  rows.push(...measured);
}
process.stdout.write(`${report(rows)}\n`);
if (options.has('write') || (!isQuick && only === undefined)) writeReport(rows, isQuick);
