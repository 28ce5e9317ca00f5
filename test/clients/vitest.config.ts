import { defineConfig } from 'vitest/config';

// What is to end within seconds, on a machine that does nothing else meanwhile.
const TIMED = ['sdk*', 'parallel-requests', 'silence'].map((name) => `test/clients/${name}.spec.ts`);

const shared = {
  // Tests that are marked as concurrent mostly wait.
  maxConcurrency: 20,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
};

// Run from the project's root, after a build and `npm install` in this folder: `npm run test:clients` does it all.
export default defineConfig({
  test: {
    // A skipped test says why.
    reporters: ['verbose'],
    projects: [
      {
        test: {
          ...shared,
          name: 'agents',
          include: ['test/clients/*.spec.ts'],
          exclude: TIMED,
          // Each file runs up to four agents of some hundred megabytes.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...shared, name: 'timed', include: TIMED, fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
