// `npm run test:fuzz [-- --requests N] [-- --seed N]`; the test is TypeScript.
import '../support/typescript-imports.mjs';

const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
