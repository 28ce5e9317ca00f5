import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in test/deploy: `npm run test:deploy` does it all.
export default defineConfig({
  test: {
    include: ['test/deploy/*.spec.ts'],
    // Images and servers of one file at a time: they share the machine's storage and ports.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
