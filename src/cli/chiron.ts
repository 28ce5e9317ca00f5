#!/usr/bin/env node
import { findHostProblem } from '../start/host-problem.js';

// The program `chiron`. As in `main.ts`, everything else is imported only when the host can run it. The server reports its own errors.
try {
  const problem = findHostProblem();
  if (problem !== undefined) throw new Error(problem);
  const { buildProgram } = await import('./program.js');
  await buildProgram().parseAsync();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${text.startsWith('Chiron ') ? text : `Chiron failed: ${text}`}\n`);
  process.exit(1);
}
