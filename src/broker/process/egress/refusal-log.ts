const WINDOW_MS = 60_000;
/** A command could ask for a new name each time. */
const MAX_HOSTS_PER_THREAD = 30;
/** More than run at once; what is known of others may be lost. */
const MAX_THREADS = 1000;
const OTHER_HOSTS = 'other hosts';

interface Entry {
  readonly since: number;
  repeated: number;
}

/**
 * Reports the refusals of each thread: at most one per host and minute, and at most 30 hosts per minute. The next report about a host says how
 * many were left out.
 */
export class RefusalLog {
  private readonly threads = new Map<string, Map<string, Entry>>();

  private readonly report: (threadId: string, what: string) => void;
  private readonly now: () => number;

  constructor(report: (threadId: string, what: string) => void, now: () => number = Date.now) {
    this.report = report;
    this.now = now;
  }

  /**
   * @param host host and port, or a word for what is none.
   * @param reason a line of text.
   */
  add(threadId: string, host: string, reason: string): void {
    const hosts = this.hostsOf(threadId);
    const now = this.now();
    const isNew = !hosts.has(host);
    if (isNew && hosts.size >= MAX_HOSTS_PER_THREAD) this.dropOld(hosts, now);
    const key = isNew && hosts.size >= MAX_HOSTS_PER_THREAD ? OTHER_HOSTS : host;
    const entry = hosts.get(key);
    if (entry !== undefined && now - entry.since < WINDOW_MS) {
      entry.repeated += 1;
      return;
    }
    hosts.set(key, { since: now, repeated: 0 });
    const repeated = entry?.repeated ?? 0;
    const what = key === OTHER_HOSTS ? 'Chiron refuses many different hosts' : reason;
    this.report(threadId, repeated === 0 ? what : `${what} (and ${repeated} times before this one)`);
  }

  private hostsOf(threadId: string): Map<string, Entry> {
    const known = this.threads.get(threadId);
    if (known !== undefined) return known;
    const [oldest] = this.threads.keys();
    if (oldest !== undefined && this.threads.size >= MAX_THREADS) this.threads.delete(oldest);
    const hosts = new Map<string, Entry>();
    this.threads.set(threadId, hosts);
    return hosts;
  }

  private dropOld(hosts: Map<string, Entry>, now: number): void {
    for (const [host, { since }] of hosts) if (now - since >= WINDOW_MS && host !== OTHER_HOSTS) hosts.delete(host);
  }
}
