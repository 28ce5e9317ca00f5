// Makes `dist`, which is run and packed, of what the compiler has put into `build`: the modules of the server and of its packages in few files. A start
// spends most of its time on finding and reading modules, and would do so 3,000 times.
//
// With Rolldown, which is here anyway (Vite and Vitest use it), keeps the order in which modules run, and needs no help with CommonJS.
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { build } from 'rolldown';

const COMPILED = resolve('build');

/** What is started by its file. Everything else is imported by these. */
const PROGRAMS = [
  'main',
  'cli/chiron',
  'broker/process/main',
  'messages/count-tokens/tokenize.worker',
  'workers/check-schema.worker',
  'workers/parse-json.worker',
];

/** What packages load where it is installed, and which is not. */
const NOT_INSTALLED = [/^@fastify\/static$/, /^@nestjs\/(microservices|websockets)/, 'pg-native'];
/** What `graphile-worker` loads for configuration files of its own, which there are none of here. */
const NOT_USED = ['typescript', 'jiti'];

/** Leads positions on to the sources, which the compiler's own maps name. */
const compilerMaps = {
  name: 'compiler-maps',
  load: (id) =>
    id.startsWith(COMPILED + sep)
      ? { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }
      : undefined,
};

rmSync('dist', { recursive: true, force: true });
await build({
  input: Object.fromEntries(PROGRAMS.map((name) => [name, `${COMPILED}/${name}.js`])),
  platform: 'node',
  external: [...NOT_INSTALLED, ...NOT_USED],
  plugins: [compilerMaps],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    // Nest names things by their classes.
    keepNames: true,
    // V8 keeps the text of what it runs: 12 MB less without spaces and comments, and as one character beyond Latin-1 doubles what its file takes, without those.
    // Names stay, so that traces and profiles have them.
    charset: 'ascii',
    minify: {
      compress: false,
      mangle: false,
      codegen: { removeWhitespace: true, asciiOnly: true, legalComments: 'inline' },
    },
    strictExecutionOrder: true,
    sourcemap: true,
    sourcemapExcludeSources: true,
    // Files are found from where this module is, so that it has to be in a file of its own beside `main`.
    codeSplitting: { groups: [{ name: 'own-files', test: /build\/own-files\.js$/ }] },
  },
});
cpSync(`${COMPILED}/console/page`, 'dist/console/page', { recursive: true });
