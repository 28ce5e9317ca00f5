import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/**
 * Compiles the sandbox into a folder, so that a plain `node` can run it as a server that may be killed: Node's own type
 * stripping knows neither decorators nor `.js` imports of `.ts` files.
 */
export function compileSandbox(target: string): void {
  const source = resolve(import.meta.dirname, '..');
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, experimentalDecorators: true };
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve(source, '../../node_modules'), join(target, 'node_modules'));
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.spec.ts') || path.startsWith('__fixtures__')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(source, path), 'utf8'), { compilerOptions });
    const compiled = join(target, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(compiled), { recursive: true });
    writeFileSync(compiled, outputText);
  }
}
