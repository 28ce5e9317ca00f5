import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in test/clients: `npm run test:hostile` does it all.
export default defineConfig({
  test: {
    include: ['test/hostile/*.spec.ts'],
    // Each file runs a server with real agents.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
