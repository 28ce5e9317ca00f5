import { attachingCallers, fiftyAtOnce, sleepyCaller } from './crowd-faults.js';
import { connectionCut, idleHarnessDies, queueSurvives } from './connection-faults.js';
import type { NamedFault } from './fault.js';
import { diskFull, diskFullAtTheRequest, readOnlyFolder } from './disk-faults.js';
import { drain } from './drain-fault.js';
import { parkedKill } from './parked-faults.js';
import { steeredCallerSurvives } from './steered-caller-fault.js';
import { steeringKill } from './steering-faults.js';

/** The faults that are not drawn. */
export const NAMED_FAULTS: readonly NamedFault[] = [
  connectionCut('before the first event'),
  connectionCut('during the first event'),
  connectionCut('after the first event'),
  connectionCut('after the last event'),
  connectionCut('after the first event', 'responses'),
  connectionCut('after the last event', 'responses'),
  attachingCallers,
  fiftyAtOnce({ title: 'on one thread', headers: { 'x-chiron-thread-key': 'fault:fifty' } }),
  fiftyAtOnce({ title: 'without a thread', headers: {} }),
  fiftyAtOnce({ title: 'with one idempotency key', headers: { 'idempotency-key': 'fault-fifty' } }),
  sleepyCaller,
  idleHarnessDies,
  queueSurvives,
  steeringKill(true),
  steeringKill(false),
  steeredCallerSurvives,
  parkedKill,
  drain,
  diskFull,
  diskFullAtTheRequest,
  readOnlyFolder,
];
