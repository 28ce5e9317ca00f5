import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in this folder: `npm run test:agents` does it all.
export default defineConfig({
  test: {
    include: ['test/agents/*.spec.ts'],
    // Each file runs agents of some hundred megabytes, which take seconds of a processor to start, and waits for those that repeat a refused call.
    maxWorkers: 3,
    testTimeout: 150_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
