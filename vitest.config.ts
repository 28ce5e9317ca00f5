import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
    exclude: ['**/node_modules/**', 'test/clients/**', 'build/**', 'dist/**'],
    setupFiles: ['test/support/leaves-nothing.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    // The specs of one worker share its process and its modules: loading Nest and the server anew for each file would take longer
    // than its tests. `leaves-nothing.ts` makes sure that no spec changes the process for the next one.
    isolate: false,
    // Vitest leaves one core to itself, which is half of a machine with two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
