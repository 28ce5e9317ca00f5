#!/usr/bin/env node
import { useCompileCache } from '../start/compile-cache.js';
import { findHostProblem } from '../start/host-problem.js';
import { nameSourcesInTraces } from '../start/source-positions.js';

nameSourcesInTraces();

// The program `chiron`. As in `main.ts`, everything else is imported only when the host can run it. The server reports its own errors.
try {
  const problem = findHostProblem();
  if (problem !== undefined) throw new Error(problem);
  useCompileCache();
  const { buildProgram } = await import('./program.js');
  await buildProgram().parseAsync();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${text.startsWith('Chiron ') ? text : `Chiron failed: ${text}`}\n`);
  process.exit(
    error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number' ? error.exitCode : 1,
  );
}
