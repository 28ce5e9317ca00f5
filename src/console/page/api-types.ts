// What the server's API answers, as far as the page uses it.

/** A thread, as `/api/sessions` lists it. */
export interface ListedSession {
  readonly thread_key: string;
  readonly harness_type: string;
  readonly status: 'idle' | 'executing' | 'failed' | 'parked';
  readonly updated_at: string;
}

/** A thread with what `/api/session/{key}` has besides. */
export interface SessionDetails extends ListedSession {
  readonly model: string;
  readonly turn_count: number;
  readonly created_at: string;
  /** The last ten, newest first. */
  readonly turns: readonly SessionTurn[];
}

/** A turn of a thread. */
export interface SessionTurn {
  readonly execution_id: string;
  /** Absent until the turn has ended, and for one that never ran. */
  readonly billed?: Billed;
}

/** What something is billed with: a turn, or the turns of a day. */
export interface Billed {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  /** US dollars; `null` where the price is not known. */
  readonly cost_usd: number | null;
}

/** A page of threads. */
export interface SessionPage {
  readonly sessions: readonly ListedSession[];
  readonly next_cursor: string | null;
}

/** A tenant, as the admin API lists it. */
export interface ListedTenant {
  readonly name: string;
  readonly threads: number;
}

/** A key, as the admin API lists it. */
export interface ListedKey {
  readonly id: string;
  readonly tenant: string;
  readonly name: string | null;
  readonly role: 'user' | 'admin';
  readonly state: 'active' | 'expired' | 'revoked';
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

/** What the turns of a day used. */
export interface UsageDay extends Billed {
  readonly day: string;
  readonly turns: number;
}

/** An event of a thread. */
export interface StreamedEvent {
  /** Absent for an event that cannot be continued after. */
  readonly id: number | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A server, as the admin API lists it. */
export interface ListedNode {
  readonly id: string;
  readonly name: string;
  readonly role: 'all' | 'gateway' | 'worker';
  readonly state: 'up' | 'draining' | 'stopped' | 'lost';
  readonly started_at: string;
  readonly heartbeat_age_ms: number;
  readonly running_turns: number;
  readonly waiting_turns: number;
  readonly slots: number;
  readonly is_disk_low: boolean;
}

/** A turn that runs or waits, as the admin API lists it. */
export interface ListedTurn {
  readonly turn_id: string;
  readonly tenant: string;
  readonly thread_key: string;
  readonly harness: string;
  readonly state: 'queued' | 'running';
  readonly attempt: number;
  /** The id of its server. */
  readonly node: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
}

/** An entry of a thread's workspace. */
export interface WorkspaceFileEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  readonly size: number;
  readonly modified_at: string;
}

/** A page of them. */
export interface WorkspaceFilePage {
  readonly files: readonly WorkspaceFileEntry[];
  readonly next_cursor: string | null;
}

/** The first turns that run or wait, and how many there are. */
export interface ListedTurns {
  readonly data: readonly ListedTurn[];
  readonly total: number;
}
