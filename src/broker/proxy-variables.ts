type Variables = Readonly<Record<string, string>>;

const PROXIES = ['http_proxy', 'https_proxy', 'all_proxy'];
const EXCEPTIONS = 'no_proxy';
/** What programs inside of a sandbox reach without a proxy: the broker itself, and each other. */
const OWN = '127.0.0.1,localhost,::1';

/** How an agent's programs may reach the network. */
export interface AgentNetwork {
  /** Whether they have none of their own. */
  readonly isIsolated: boolean;
  /** The broker as their proxy; `undefined` if they may reach nothing. */
  readonly proxyUrl: string | undefined;
}

/** The proxies that the deployment passes on to agents, for the broker's own connections. */
export function findProxies(passed: Variables): Variables {
  return Object.fromEntries(Object.entries(passed).filter(([name]) => isProxyVariable(name)));
}

/** Warns of proxies that the broker passes over, one sentence each, without their values. Node 24.21 takes http(s) URLs only (seen). */
export function findProxyWarnings(proxies: Variables): readonly string[] {
  return Object.entries(proxies).flatMap(([name, value]) =>
    name.toLowerCase() === EXCEPTIONS || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
      ? []
      : [`${name} is not an http(s) URL: the broker connects without it.`],
  );
}

/**
 * The variables of an agent with those of its proxy. An isolated agent cannot reach the deployment's own proxy; another one has to reach the broker
 * past it.
 */
export function withProxies(variables: Variables, { isIsolated, proxyUrl }: AgentNetwork): Variables {
  const others = Object.fromEntries(Object.entries(variables).filter(([name]) => !isProxyVariable(name)));
  if (isIsolated && proxyUrl === undefined) return others;
  if (isIsolated) {
    const proxies = PROXIES.flatMap(bothCases).map((name) => [name, proxyUrl]);
    return { ...others, ...Object.fromEntries(proxies), ...inBothCases(EXCEPTIONS, OWN) };
  }
  if (Object.keys(findProxies(variables)).length === 0) return variables;
  const exceptions = bothCases(EXCEPTIONS).flatMap((name) => variables[name] ?? []);
  return { ...variables, ...inBothCases(EXCEPTIONS, [...new Set([...exceptions, OWN])].join(',')) };
}

function isProxyVariable(name: string): boolean {
  return [...PROXIES, EXCEPTIONS].includes(name.toLowerCase());
}

function inBothCases(name: string, value: string): Variables {
  return Object.fromEntries(bothCases(name).map((each) => [each, value]));
}

function bothCases(name: string): readonly string[] {
  return [name, name.toUpperCase()];
}
