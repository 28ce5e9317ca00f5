import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
    exclude: ['**/node_modules/**', 'test/clients/**', 'dist/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
