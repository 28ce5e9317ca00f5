// `npm run test:faults [-- --full] [-- --seed N] [-- --kills N] [-- --pair] [-- --tenants] [-- --spares] [-- --acp]`; the suite is TypeScript.
import '../support/typescript-imports.mjs';

const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
