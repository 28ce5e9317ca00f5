import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in this folder: `npm run test:clients` does it all.
export default defineConfig({
  test: {
    include: ['test/clients/*.spec.ts'],
    // Each file runs up to four agents of some hundred megabytes.
    fileParallelism: false,
    // Tests that are marked as concurrent mostly wait.
    maxConcurrency: 20,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
