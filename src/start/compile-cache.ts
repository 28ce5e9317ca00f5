import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { ownFile } from '../own-files.js';

/**
 * Keeps what V8 has made of the program's code, beside the code: who can change one can change the other. It is written when
 * a process ends by itself. Where nothing can be written, there is none: this never fails. `NODE_COMPILE_CACHE` names another folder.
 */
export function useCompileCache(): void {
  module.enableCompileCache(fileURLToPath(ownFile('.compile-cache')));
}
