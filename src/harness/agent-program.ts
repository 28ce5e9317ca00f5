import { join } from 'node:path';
import { findProgram } from '../sandbox/process/find-program.js';

/** Where the programs of an agents' folder are, which `chiron agents install` makes: npm links them there. */
export function agentProgramsFolder(agentsDirectory: string): string {
  return join(agentsDirectory, 'node_modules', '.bin');
}

/** The program of a harness: a path as it is; a name as it is in the agents' folder, or else on the server's `PATH`. */
export function findAgentProgram(command: string, agentsDirectory: string): string {
  if (command.includes('/')) return command;
  return findProgram(command, agentProgramsFolder(agentsDirectory)) ?? command;
}
