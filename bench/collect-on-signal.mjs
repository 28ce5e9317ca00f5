// Loaded into a measured server with `--import`, beside `--expose-gc`: SIGUSR2 collects all garbage and gives free pages back,
// so that the memory read afterwards excludes garbage.
import process from 'node:process';

process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});
