#!/usr/bin/env node
import { startUnderInit } from './start/init.js';
import { useCompileCache } from './start/compile-cache.js';
import { startWithOneArena } from './start/one-arena.js';
import { nameSourcesInTraces } from './start/source-positions.js';
import { startErrorText } from './start/start-error.js';
import { findHostProblem } from './start/host-problem.js';

nameSourcesInTraces();

// Whatever keeps the server from starting is reported here: in a sentence, with status 1. The server itself is imported only
// when the host can run it, as an older Node would fail on its imports.
try {
  const problem = findHostProblem();
  if (problem !== undefined) throw new Error(problem);
  startUnderInit();
  startWithOneArena();
  useCompileCache();
  const { start } = await import('./start/start.js');
  await start();
} catch (error) {
  process.stderr.write(`${startErrorText(error)}\n`);
  process.exit(1);
}
