// The tests of what a deployment is made of. With --full, the image is built and run too: minutes, and gigabytes of disk.
import { spawnSync } from 'node:child_process';

const options = process.argv.slice(2).filter((option) => option !== '--full');
const env = { ...process.env, ...(process.argv.includes('--full') ? { CHIRON_TEST_IMAGE: '1' } : {}) };
const args = ['run', '--config', 'test/deploy/vitest.config.ts', ...options];
const { status } = spawnSync('vitest', args, { stdio: 'inherit', env });
process.exit(status ?? 1);
