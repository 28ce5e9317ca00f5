import {
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateBy,
  validateSync,
} from 'class-validator';
import { isOriginList } from './cors-origins.js';
import { HARNESS_NAMES } from '../harness/harness.js';
import { TOOL_BLOCK_SETTINGS } from '../translator/views/tool-blocks.js';
import { defaultConnections, openFilesLimit } from './connections.js';

const DAY_SECONDS = 86_400;

/**
 * Every variable that Chiron reads, with its default: the one list of them. `docs/configuration.md` and `.env.example` say the
 * same in prose, and a test holds the three together.
 */
export class EnvironmentVariables {
  @IsString() @IsNotEmpty() HOST = '127.0.0.1';
  @IsInt() @Min(0) @Max(65_535) PORT = 8787;

  @IsString() @IsNotEmpty() CHIRON_DATA_DIR = './data';
  @IsOptional() @Matches(/^postgres(ql)?:\/\//) CHIRON_DATABASE_URL: string | undefined = undefined;
  @IsOptional() @Matches(/^[\w.-]+:[^\s,]+(,[\w.-]+:[^\s,]+)*$/) CHIRON_API_KEYS: string | undefined = undefined;
  @IsOptional()
  @ValidateBy({
    name: 'origins',
    validator: { validate: (text: unknown) => typeof text === 'string' && isOriginList(text) },
  })
  CHIRON_CORS_ORIGINS: string | undefined = undefined;
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']) CHIRON_LOG_LEVEL = 'info';

  @IsIn(['auto', ...HARNESS_NAMES]) CHIRON_DEFAULT_HARNESS = 'auto';
  @IsIn(['auto', 'on', 'off']) CHIRON_DEMO = 'auto';
  @IsOptional()
  @Matches(new RegExp(`^[^=,\\s]+=(${HARNESS_NAMES.join('|')})(,[^=,\\s]+=(${HARNESS_NAMES.join('|')}))*$`))
  CHIRON_MODEL_ROUTES: string | undefined = undefined;
  @IsString() @IsNotEmpty() CHIRON_CLAUDE_BIN = 'claude';
  @IsString() @IsNotEmpty() CHIRON_CODEX_BIN = 'codex';
  @IsIn(['append', 'ignore']) CHIRON_CALLER_SYSTEM = 'append';
  @IsIn(['default', 'refuse']) CHIRON_UNKNOWN_MODELS = 'default';

  @IsIn(TOOL_BLOCK_SETTINGS) CHIRON_TOOL_BLOCKS = 'auto';
  @IsInt() @Min(0) @Max(10_000_000) CHIRON_TOOL_OUTPUT_CHARACTERS = 16_384;

  @IsOptional() @IsString() CHIRON_WORKSPACE_TEMPLATE: string | undefined = undefined;
  @IsOptional() @IsString() CHIRON_HOME_TEMPLATE: string | undefined = undefined;
  @Matches(/^$|^[A-Za-z_]\w*(,[A-Za-z_]\w*)*$/)
  CHIRON_SANDBOX_PASSTHROUGH_ENV =
    'ANTHROPIC_API_KEY,ANTHROPIC_AUTH_TOKEN,ANTHROPIC_BASE_URL,OPENAI_API_KEY,OPENAI_BASE_URL';

  @IsInt() @Min(1) @Max(DAY_SECONDS) CHIRON_HARNESS_IDLE_SECONDS = 600;
  @IsInt() @Min(0) @Max(10_000) CHIRON_MAX_WARM_HARNESSES = 8;
  @IsInt() @Min(1) @Max(DAY_SECONDS) CHIRON_HARNESS_STALL_SECONDS = 600;
  @IsInt() @Min(1) @Max(7 * DAY_SECONDS) CHIRON_TURN_TIMEOUT_SECONDS = 3600;

  @IsIn(['queue', 'interrupt', 'reject']) CHIRON_ON_BUSY = 'queue';
  @IsInt() @Min(0) @Max(10_000) CHIRON_MAX_QUEUED_PER_THREAD = 8;
  @IsInt() @Min(1) @Max(100_000) CHIRON_MAX_CONCURRENT_TURNS = 100;
  @IsInt() @Min(0) @Max(1_000_000) CHIRON_MAX_WAITING_TURNS = 1000;
  @IsInt() @Min(1) @Max(DAY_SECONDS) CHIRON_SYNC_TIMEOUT_SECONDS = 280;
  @IsInt() @Min(0) @Max(3600) CHIRON_DRAIN_SECONDS = 20;
  @IsInt() @Min(0) @Max(10 * 365 * 24) CHIRON_EVENT_RETENTION_HOURS = 24;
  @IsInt() @Min(0) @Max(3_600_000) CHIRON_EVENT_FLUSH_MS = 5;

  @IsInt() @Min(1) @Max(DAY_SECONDS) CHIRON_KEEP_ALIVE_SECONDS = 65;
  @IsInt() @Min(1) @Max(1_000_000) CHIRON_MAX_CONNECTIONS = defaultConnections(openFilesLimit());
}

/** A name that {@link EnvironmentVariables} knows. */
export type VariableName = keyof EnvironmentVariables;

/** The start is refused: these variables are wrong. Holds their names and what is expected, never their values. */
export class ConfigurationError extends Error {
  constructor(readonly problems: ReadonlyMap<string, string>) {
    const lines = [...problems].map(([name, expected]) => `  ${name}: ${expected}`);
    super(`Chiron cannot start with this configuration:\n${lines.join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

/** What a wrong variable should have been, where the validator's own words ("must match /^…/") would not help. */
const EXPECTED: Partial<Record<VariableName, string>> = {
  CHIRON_API_KEYS: 'must be a comma-separated list of name:key',
  CHIRON_CORS_ORIGINS: 'must be * or a comma-separated list of origins, such as https://app.example',
  CHIRON_DATABASE_URL: 'must be a postgres:// URL',
  CHIRON_MODEL_ROUTES: `must be a comma-separated list of pattern=harness, harness one of ${HARNESS_NAMES.join(', ')}`,
  CHIRON_SANDBOX_PASSTHROUGH_ENV: 'must be a comma-separated list of variable names',
};

/**
 * Reads the variables that Chiron knows; an empty one counts as not set.
 *
 * @throws ConfigurationError naming every wrong variable.
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): EnvironmentVariables {
  const environment = new EnvironmentVariables();
  for (const name of Object.keys(environment)) {
    const text = variables[name]?.trim();
    // Only the list of passed-on names may be set to nothing: it means that nothing is passed on.
    if (text === undefined || (text === '' && name !== 'CHIRON_SANDBOX_PASSTHROUGH_ENV')) continue;
    const isNumber = typeof Reflect.get(environment, name) === 'number';
    // `Number('')` is 0 and `Number('1e3')` is 1000: digits only, so that what is written is what is meant.
    Reflect.set(environment, name, isNumber ? (/^\d+$/.test(text) ? Number(text) : Number.NaN) : text);
  }
  const problems = new Map(
    validateSync(environment).map((error) => [error.property, expectation(error.property, error.constraints ?? {})]),
  );
  if (problems.size > 0) throw new ConfigurationError(problems);
  return environment;
}

function expectation(name: string, constraints: Readonly<Record<string, string>>): string {
  const known = Object.entries(EXPECTED).find(([key]) => key === name)?.[1];
  return known ?? Object.values(constraints).join('; ').replaceAll(`${name} `, '');
}
