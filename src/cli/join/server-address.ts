import { KNOWN_TURNS_HEADER, THREAD_KEY_HEADER } from '../../http/thread-headers.js';

/** The variable with the headers that Claude Code sends, one a line. */
export const HEADERS_VARIABLE = 'ANTHROPIC_CUSTOM_HEADERS';

/** Where the server is, and how it knows the user. */
export interface ServerAddress {
  /** Without a slash at its end, and without `/v1`. */
  readonly url: string;
  /** `undefined` for a server without keys. */
  readonly key: string | undefined;
  /** The variable that has the key, for lines to paste. */
  readonly keyVariable: string;
  /** Headers for a gateway before the server, `name: value`: those that the user has set for Claude Code and this address. */
  readonly headers: readonly string[];
}

/** What the user said of the server on the command line. */
export interface AddressOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

/** A variable with an address, and those with the keys for it. A key is sent to the address that it belongs to, and to no other. */
const PLACES = [
  { url: 'CHIRON_URL', keys: [] },
  { url: 'ANTHROPIC_BASE_URL', keys: ['ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY'] },
  { url: 'OPENAI_BASE_URL', keys: ['OPENAI_API_KEY'] },
] as const;

/** The variables with a key for this server, wherever its address comes from. */
const OWN_KEYS = ['CHIRON_API_KEY', 'CHIRON_KEY'] as const;

/** Where a server listens that nobody has configured. */
const DEFAULT_URL = 'http://127.0.0.1:8787';

/**
 * Finds the server: by the options, else by the variables that clients use themselves, else on this machine.
 *
 * @throws with a sentence for the user for an address that is none.
 */
export function findServer(options: AddressOptions, env: Readonly<Record<string, string | undefined>>): ServerAddress {
  const place = options.url === undefined ? PLACES.find(({ url }) => isSet(env[url])) : undefined;
  const url = toBaseUrl(options.url ?? (place === undefined ? DEFAULT_URL : (env[place.url] ?? '')));
  const keyVariable = [...OWN_KEYS, ...(place?.keys ?? [])].find((name) => isSet(env[name]));
  return {
    url,
    key: options.key ?? (keyVariable === undefined ? undefined : env[keyVariable]),
    keyVariable: options.key === undefined && keyVariable !== undefined ? keyVariable : OWN_KEYS[0],
    headers: isOfAnthropic(url, env['ANTHROPIC_BASE_URL']) ? splitHeaders(env[HEADERS_VARIABLE]) : [],
  };
}

/** The headers may have the secret of a gateway, and go to no other address than Claude Code sends them to. */
function isOfAnthropic(url: string, anthropic: string | undefined): boolean {
  return anthropic !== undefined && URL.canParse(anthropic) && new URL(anthropic).origin === new URL(url).origin;
}

function splitHeaders(text = ''): readonly string[] {
  const own = [THREAD_KEY_HEADER, KNOWN_TURNS_HEADER];
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes(':') && !own.includes(line.split(':')[0]?.trim().toLowerCase() ?? ''));
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** The variables of OpenAI's clients have the address with `/v1`, those of Anthropic's without. */
function toBaseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error(`Chiron cannot join the thread: ${text} is not the address of a server, such as ${DEFAULT_URL}.`);
  return text.replace(/\/+$/, '').replace(/\/v1$/, '');
}
