import { totalmem } from 'node:os';

/** Bytes of memory that the server and its agents have: those of the machine, or of the container if that has fewer. */
export function readMachineMemory(): number {
  return Math.min(process.constrainedMemory() || Infinity, totalmem());
}
