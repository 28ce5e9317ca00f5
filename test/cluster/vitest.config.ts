import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in test/clients: `npm run test:cluster` does it all.
export default defineConfig({
  test: {
    include: ['test/cluster/*.spec.ts'],
    // Each file runs at least four servers.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
