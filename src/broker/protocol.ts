// What the server and the broker's process say to each other, as JSON over their IPC channel.
import type { HostLimit } from '../domain/policy/agent-rules.ts';
import type { EgressSettings } from './process/egress/egress.ts';

/** How the paths begin by which agents ask the server itself. */
export const ENDPOINT_PREFIX = '/chiron/';
/** The header by which the broker tells the server whose program asks. */
export const THREAD_HEADER = 'agent-thread';

/** An API of a model provider that agents reach through the broker. */
export interface Upstream {
  /** The first part of the path by which agents ask for this API, such as `anthropic`. */
  readonly prefix: string;
  /** URL of the API, without a slash at its end; it may have a path. */
  readonly baseUrl: string;
  /** Headers with the deployment's credential; they replace those of the agent. */
  readonly headers: Readonly<Record<string, string>>;
  /** A login whose token is added to `headers`; absent where they have the credential. */
  readonly login?: UpstreamLogin;
  /** Values that are added to a comma-separated header of the agent, such as `anthropic-beta`. */
  readonly addedValues?: Readonly<Record<string, string>>;
  /** What agents may ask: a method and a path below the base URL; one `*` stands for a part of a path, or of one before a colon. */
  readonly routes: readonly string[];
  /** Form of the API's answers, for the token count and for errors; OpenAI's are Responses and Chat Completions. */
  readonly answers: 'anthropic' | 'openai' | 'gemini';
}

/** Keys that lead to a value in a JSON object, from the outside in. */
export type JsonPath = readonly string[];

/** A login of the deployment, in a JSON file that the broker reads. The server's process keeps nothing of it. */
export interface UpstreamLogin {
  /** Whose login it is, for people: `Claude Code`. */
  readonly program: string;
  /** Absolute path. */
  readonly file: string;
  /** The bearer token. */
  readonly accessToken: JsonPath;
  /** Further headers, from fields of the file; one whose field is missing is left out. */
  readonly headers?: Readonly<Record<string, JsonPath>>;
  /** How its token is renewed; absent for one that does not end. */
  readonly renewal?: LoginRenewal;
}

/** How an access token is renewed (RFC 6749, section 6), with a request and an answer in JSON. */
export interface LoginRenewal {
  /** The token end point. */
  readonly url: string;
  /** What the request has besides `grant_type` and `refresh_token`. */
  readonly form: Readonly<Record<string, string>>;
  readonly refreshToken: JsonPath;
  /** When the access token ends, in milliseconds since 1970; absent where the token is a JWT that says so itself. */
  readonly expiresAt?: JsonPath;
  /** When the login was last renewed, as ISO 8601; absent where the file does not say. */
  readonly renewedAt?: JsonPath;
  /** Further fields of the answer that the file keeps, by their names in the answer. */
  readonly kept?: Readonly<Record<string, JsonPath>>;
}

/** What the broker's process needs to know. */
export interface BrokerConfig {
  readonly upstreams: readonly Upstream[];
  /** A folder of the server's for renewed logins whose own file cannot be written. */
  readonly spareLogins: string;
  /** Variables such as `HTTPS_PROXY` and `NO_PROXY`, for the connections to them. */
  readonly proxies: Readonly<Record<string, string>>;
  /** What agents may reach besides their model. */
  readonly egress: EgressSettings;
  /** Wildcards of the models that agents may ask; empty for all. */
  readonly allowedModels: readonly string[];
  /** How many tokens a turn may use, input and output together; 0 for any number. */
  readonly turnTokenLimit: number;
}

/** Where a thread's programs reach the broker. */
export type Listening =
  | { readonly kind: 'socket'; readonly path: string; readonly owner: number | undefined }
  /** On a port for all threads; the token identifies this one. `port` is that of an earlier process, which programs already know. */
  | { readonly kind: 'loopback'; readonly token: string; readonly port?: number | undefined };

/** Tokens of the answers of one model. `inputTokens` excludes cached tokens, as Anthropic counts. */
export interface ModelTokens {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheCreationInputTokens: number;
  /** Part of `cacheCreationInputTokens` that is cached for an hour, and costs more. */
  readonly cacheCreation1hInputTokens: number;
}

/** A turn that begins on a thread. */
export interface BegunTurn {
  readonly turnId: string;
  /** What programs of the thread may reach from now on, besides the deployment's own policy: the hosts that each of these allows. */
  readonly hostLimits: readonly HostLimit[];
  /** The header of this name for the requests to its model; absent to leave it to the agent. */
  readonly traceparent?: string | undefined;
}

/** A message to the broker's process. Those with an `id` are answered with `done` or `failed`. */
export type ToBroker =
  | { readonly type: 'configure'; readonly id: number; readonly config: BrokerConfig }
  | { readonly type: 'open'; readonly id: number; readonly threadId: string; readonly listening: Listening }
  | { readonly type: 'close'; readonly threadId: string }
  /** Where the server answers what agents ask of itself: a port of the loopback interface. */
  | { readonly type: 'endpoints'; readonly port: number }
  /** A turn begins on the thread: what its agent uses from now on belongs to it. */
  | ({
      readonly type: 'turn';
      readonly threadId: string;
      /** Whether it began before this process did: it is held to its limit, but its count is not the whole. */
      readonly isUnderway: boolean;
    } & BegunTurn)
  /** Asks for the tokens of a turn, which are forgotten then. */
  | { readonly type: 'count'; readonly id: number; readonly turnId: string };

/** A message of the broker's process. */
export type FromBroker =
  | {
      readonly type: 'done';
      readonly id: number;
      /** The port for threads without a socket. */
      readonly port?: number;
      /** Tokens of the turn by model; absent if the broker has not seen the whole turn. */
      readonly tokens?: readonly ModelTokens[];
    }
  | { readonly type: 'failed'; readonly id: number; readonly problem: string }
  /** Something was refused to a thread's agent. `what` is a host, a path or a model, never a query or a body. */
  | { readonly type: 'refused'; readonly threadId: string; readonly what: string }
  /** An operator has to know something, as of a login that has ended. `what` is a sentence, without a token or a path. */
  | { readonly type: 'notice'; readonly what: string };
