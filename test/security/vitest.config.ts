import { defineConfig } from 'vitest/config';

// Run from the project's root, after a build and `npm install` in test/clients: `npm run test:security` does it all.
export default defineConfig({
  test: {
    include: ['test/security/*.spec.ts'],
    // Each file runs servers and attacks them.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // A skipped test says why.
    reporters: ['verbose'],
  },
});
