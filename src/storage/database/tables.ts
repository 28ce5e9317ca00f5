// The stored rows, the same on SQLite and PostgreSQL: times are milliseconds since the epoch, JSON is text.

export interface ThreadTable {
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly harness: string;
  readonly model: string;
  readonly harness_model: string | null;
  readonly system_prompt: string | null;
  readonly session_id: string | null;
  readonly state: string;
  readonly metadata: string;
  readonly context_usage: string | null;
  /** The turn that ended with calls of caller's tools which have no answer yet. */
  readonly parked_turn: string | null;
  readonly turn_count: number;
  /** The node that has the thread's files and runs its turns; null for none, and with SQLite. */
  readonly node: string | null;
  /** The snapshot that has the thread's files; null for none. */
  readonly snapshot: string | null;
  /** How often the thread has been given to another server; a server with an older number may not change the snapshot. */
  readonly generation: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface TurnTable {
  readonly id: string;
  readonly message_id: string;
  readonly thread_id: string;
  readonly sequence: number;
  readonly state: string;
  readonly request_key: string;
  /** The key of the request's newest user message alone; null for a turn of an older version, or of another door. */
  readonly prompt_key: string | null;
  /** The turn whose calls of caller's tools this turn answers. */
  readonly answers_turn: string | null;
  readonly idempotency_key: string | null;
  readonly caller: string;
  readonly prompt: string;
  readonly request: string;
  readonly attempt: number;
  readonly owner: string | null;
  readonly lease_expires_at: number | null;
  readonly stop_reason: string | null;
  readonly usage: string | null;
  readonly failure: string | null;
  readonly message: string | null;
  readonly delivered_at: number | null;
  readonly events_pruned_at: number | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  /** When a caller interrupted the turn while no server could be told: its next attempt ends at once. */
  readonly interrupted_at: number | null;
  /** The key in the store that sent the request; null for another one, and for a turn of an older version. */
  readonly key_id: string | null;
  /** The caller's own id of its user, if the request had one. */
  readonly user_id: string | null;
  /** The user or the session that the request came from; empty for none. */
  readonly maker: string | null;
  /** When a caller deleted the response of the turn. */
  readonly response_deleted_at: number | null;
}

/** The events of one turn in one group commit. */
export interface TurnEventTable {
  readonly turn_id: string;
  /** Number of the row within the turn, from 1. */
  readonly sequence: number;
  readonly attempt: number;
  /** Index of the row's first event within the turn, from 0. */
  readonly first_index: number;
  /** JSON array of harness events; never empty. */
  readonly events: string;
  readonly created_at: number;
}

export interface SessionMessageTable {
  readonly id: string;
  readonly thread_id: string;
  readonly client_message_id: string | null;
  readonly role: string;
  readonly parts: string;
  readonly metadata: string;
  readonly created_at: number;
  /** The turn that heard the message, or that it was handed to. */
  readonly turn_id: string | null;
  /** When it was certain that the turn heard it; null until then. */
  readonly heard_at: number | null;
  /** When the caller whose message it is had read the answer of that turn; null for a message of the session API. */
  readonly delivered_at: number | null;
}

/** A set of caller's tools that turns of the thread refer to by its hash. */
export interface ToolSetTable {
  readonly thread_id: string;
  /** A hash of the tools. */
  readonly id: string;
  /** JSON of `CallerTools`. */
  readonly tools: string;
}

/** The calls of caller's tools with which turns ended. */
export interface CallerToolCallTable {
  /** The turn that ended with the call. */
  readonly turn_id: string;
  readonly id: string;
  readonly thread_id: string;
  /** Number among the calls of its turn, from 0. */
  readonly position: number;
  readonly name: string;
  readonly input: string;
}

/** A server of this store. */
export interface NodeTable {
  readonly id: string;
  /** Changes with every start. */
  readonly incarnation: string;
  readonly name: string;
  readonly role: string;
  /** Where the other servers reach it. */
  readonly url: string;
  readonly state: string;
  /** JSON of `NodeLoad`. */
  readonly load: string;
  readonly started_at: number;
  /** Its last heartbeat, by PostgreSQL's clock. */
  readonly seen_at: number;
}

/** Secrets that servers of one store share. */
export interface ClusterSecretTable {
  readonly name: string;
  readonly secret: string;
}

/** A tenant that an administrator made; those of `CHIRON_API_KEYS` have no row. */
export interface TenantTable {
  readonly name: string;
  readonly created_at: number;
  /** JSON of `Policy`; null for none. */
  readonly policy: string | null;
}

/** A key of a tenant. Rows are never removed. */
export interface ApiKeyTable {
  /** What logs may show. */
  readonly id: string;
  /** The digest of the key, in hexadecimal digits. The key itself is stored nowhere. */
  readonly sha256: string;
  readonly tenant: string;
  readonly name: string | null;
  readonly role: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  /** To the minute. */
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
  /** JSON of `Policy`; null for none. */
  readonly policy: string | null;
}

/** What administrators did, apart from the log of requests. */
export interface AuditLogTable {
  /** Later entries have greater ids. */
  readonly id: string;
  readonly at: number;
  /** The id of a key, or `cli`. */
  readonly actor: string;
  readonly action: string;
  readonly tenant: string;
  readonly key_id: string | null;
  /** JSON object. */
  readonly details: string;
}

/** Where a tenant gets its webhooks. */
export interface WebhookEndpointTable {
  readonly tenant: string;
  readonly url: string;
  /** `whsec_…`: signs what is sent, so it is kept as it is. */
  readonly secret: string;
  readonly created_at: number;
}

/** A webhook that has not been delivered. */
export interface WebhookDeliveryTable {
  /** The same in every attempt. */
  readonly id: string;
  readonly tenant: string;
  /** `deployment` or `tenant`: whose endpoint gets it. */
  readonly endpoint: string;
  /** The body, as it is sent and signed. */
  readonly payload: string;
  /** How often it was tried, or is being tried. */
  readonly attempts: number;
  /** While it is being tried, when another server may try it. */
  readonly next_attempt_at: number;
  readonly created_at: number;
}

/** What a turn that has ended used. Rows stay when their threads are removed. */
export interface UsageTable {
  readonly turn_id: string;
  readonly tenant: string;
  readonly key_id: string | null;
  readonly user_id: string | null;
  readonly harness: string;
  /** The model of the turn's answer. */
  readonly model: string;
  /** The day in UTC on which the turn ended, `2027-01-31`. */
  readonly day: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  /** Millionths of a US dollar; null if a model of the turn had no price. */
  readonly cost_micros: number | null;
}

/** How often something has happened in a window of time. */
export interface RequestCountTable {
  /** The tenant or the key whose requests are counted. */
  readonly name: string;
  readonly points: number;
  /** When the window ends. */
  readonly expires_at: number;
}

/** A file that a caller has uploaded, or is uploading. Its row is there before its bytes, and until they are gone. */
export interface FileTable {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly media_type: string;
  /** What an OpenAI client says that it is for; null for one of another client. */
  readonly purpose: string | null;
  /** Bytes; 0 until it is complete. */
  readonly size: number;
  /** Where its bytes are: `folder`, `bucket` or `database`. */
  readonly place: string;
  /** `uploading`, `stored`, or `deleted`: nobody can name it any more, and its bytes are kept while a turn needs them. */
  readonly state: string;
  readonly created_at: number;
  readonly expires_at: number | null;
}

/** Which files the prompt of a turn names. */
export interface TurnFileTable {
  readonly turn_id: string;
  readonly file_id: string;
}

/** The bytes of files that are kept in the database. */
export interface FileChunkTable {
  readonly file_id: string;
  /** From 0. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** A piece of the input of a turn that is too large for the turn's row; see `large-input.ts`. */
export interface TurnInputTable {
  readonly turn_id: string;
  /** From 0, through both parts. */
  readonly number: number;
  readonly thread_id: string;
  /** `prompt` or `request`. */
  readonly part: string;
  /** A slice of the part's JSON. */
  readonly json: string;
}

/** All tables by name. */
export interface Tables {
  readonly threads: ThreadTable;
  readonly turns: TurnTable;
  readonly turn_events: TurnEventTable;
  readonly session_messages: SessionMessageTable;
  readonly tool_sets: ToolSetTable;
  readonly caller_tool_calls: CallerToolCallTable;
  readonly nodes: NodeTable;
  readonly cluster_secrets: ClusterSecretTable;
  readonly tenants: TenantTable;
  readonly api_keys: ApiKeyTable;
  readonly audit_log: AuditLogTable;
  readonly webhook_endpoints: WebhookEndpointTable;
  readonly webhook_deliveries: WebhookDeliveryTable;
  readonly usage: UsageTable;
  readonly request_counts: RequestCountTable;
  readonly files: FileTable;
  readonly turn_files: TurnFileTable;
  readonly file_chunks: FileChunkTable;
  readonly turn_inputs: TurnInputTable;
}
