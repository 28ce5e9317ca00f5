// Runs with every spec file. The files of one worker share its process, so what one leaves behind would fail another, by their order.
import { afterAll, beforeAll, expect, vi } from 'vitest';

/** What a file could change for those after it, besides mocks, which Vitest restores itself. */
function processState() {
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)]);
  return {
    folder: process.cwd(),
    umask: process.umask(),
    listeners: Object.fromEntries(listeners),
    hasFakeTimers: vi.isFakeTimers(),
  };
}

/** The names alone: a failed comparison is printed, and an environment holds keys. */
function changedVariables(environment: Readonly<NodeJS.ProcessEnv>): readonly string[] {
  const names = new Set([...Object.keys(environment), ...Object.keys(process.env)]);
  return [...names].filter((name) => environment[name] !== process.env[name]);
}

let state: ReturnType<typeof processState>;
let environment: Readonly<NodeJS.ProcessEnv>;

beforeAll(() => {
  state = processState();
  environment = { ...process.env };
});

// Hooks of this kind run in reverse order: this is the last one, after those of the file.
afterAll(() => {
  expect(processState(), 'the file leaves the process as it found it').toEqual(state);
  expect(changedVariables(environment), 'the file leaves the environment as it found it').toEqual([]);
});
