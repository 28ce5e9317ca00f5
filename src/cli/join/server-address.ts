/** Where the server is, and how it knows the user. */
export interface ServerAddress {
  /** Without a slash at its end, and without `/v1`. */
  readonly url: string;
  /** `undefined` for a server without keys. */
  readonly key: string | undefined;
  /** The variable that has the key, for lines to paste. */
  readonly keyVariable: string;
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
  };
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
