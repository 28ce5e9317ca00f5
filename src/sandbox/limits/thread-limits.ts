import { listProcesses, selectProcessTree } from '../host/process-table.js';
import { findProgram } from '../process/find-program.js';
import { describeFileError } from '../errors.js';
import type { ThreadUsage } from '../sandbox.js';
import { CgroupTree } from './cgroup-tree.js';
import { describeKernelLimits, type ProcessCounting } from './describe-limits.js';
import type { ThreadCgroup } from './thread-cgroup.js';
import { readMemory } from './process-memory.js';
import type { KernelLimits, ProcessLimits } from './process-limits.js';
import { toPrlimitPrefix } from './prlimit.js';

/** Length of a tick in `/proc/<pid>/stat`: user space always sees 100 a second (proc_pid_stat(5), `USER_HZ`). */
const TICK_MS = 10;

const UNLIMITED: KernelLimits = { memoryBytes: 0, processes: 0, openFiles: 0 };
const NOTHING: ThreadUsage = { outputBytes: 0, cpuMs: 0, memoryKills: 0 };

/** Limits every process of the threads by the means that this machine has, and counts what each thread uses. */
export class ThreadLimits {
  readonly #cgroups: CgroupTree | string;
  readonly #prlimit: string | undefined;
  /** What the processes of a thread had used that have ended. */
  readonly #ended = new Map<string, ThreadUsage>();
  readonly #running = new Map<string, Set<ProcessMeter>>();
  readonly #groups = new Map<string, ThreadCgroup>();

  /** @param warn logs what could not be measured or removed */
  constructor(
    private readonly limits: KernelLimits = UNLIMITED,
    private readonly warn: (text: string) => void,
  ) {
    this.#cgroups = limits.memoryBytes > 0 || limits.processes > 0 ? CgroupTree.open(warn) : 'not needed';
    this.#prlimit = findProgram('prlimit', process.env['PATH']);
  }

  /**
   * The limits of a process that is about to start.
   *
   * @param marker `NAME=value`, in the environment of the process and of what it starts
   */
  forProcess(threadId: string, processId: string, marker: string): ProcessLimits {
    const cgroup = this.#groupOf(threadId);
    const meter = new ProcessMeter(this.#cgroupsCountCpu ? undefined : marker, this.warn);
    return {
      commandPrefix:
        this.#prlimit === undefined ? [] : toPrlimitPrefix(this.#prlimit, { openFiles: this.limits.openFiles }),
      apply: async (pid, readOutputBytes) => {
        const running = this.#running.get(threadId) ?? new Set();
        this.#running.set(threadId, running.add(meter));
        meter.begin(pid, readOutputBytes);
        await cgroup?.enter(processId, pid);
      },
      members: async () => (await cgroup?.members(processId)) ?? [],
      release: async () => {
        const used = await meter.end();
        this.#ended.set(threadId, addUsage(this.#ended.get(threadId) ?? NOTHING, used));
        this.#running.get(threadId)?.delete(meter);
        if (this.#running.get(threadId)?.size === 0) this.#running.delete(threadId);
        // In the background: the system takes its time to clear a group.
        void cgroup?.leave(processId);
      },
    };
  }

  /** What the thread has used; see `Sandbox.usage`. */
  async usage(threadId: string, measureCpu: boolean): Promise<ThreadUsage> {
    const running = [...(this.#running.get(threadId) ?? [])];
    const ended = this.#ended.get(threadId) ?? NOTHING;
    const used = (await Promise.all(running.map((meter) => meter.usage(measureCpu)))).reduce(addUsage, ended);
    return addUsage(used, { outputBytes: 0, ...(await this.#readGroup(threadId)) });
  }

  /** What the running processes of threads keep in memory; see `Sandbox.memoryBytes`. */
  async memoryBytes(threadIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const processes = await listProcesses();
    const trees = threadIds.flatMap((threadId) => {
      const pids = [...(this.#running.get(threadId) ?? [])].flatMap(({ pid }) => pid ?? []);
      const tree = new Set(pids.flatMap((pid) => selectProcessTree(processes, pid).map((entry) => entry.pid)));
      return tree.size === 0 ? [] : [{ threadId, tree }];
    });
    const bytes = await readMemory(new Set(trees.flatMap(({ tree }) => [...tree])));
    return new Map(
      trees.map(({ threadId, tree }) => [threadId, [...tree].reduce((sum, pid) => sum + (bytes.get(pid) ?? 0), 0)]),
    );
  }

  get #cgroupsCountCpu(): boolean {
    return typeof this.#cgroups !== 'string' && this.#cgroups.countsCpu;
  }

  #groupOf(threadId: string): ThreadCgroup | undefined {
    if (typeof this.#cgroups === 'string') return undefined;
    const group = this.#groups.get(threadId) ?? this.#cgroups.group(threadId, this.limits);
    this.#groups.set(threadId, group);
    return group;
  }

  async #readGroup(threadId: string): Promise<Pick<ThreadUsage, 'cpuMs' | 'memoryKills'>> {
    try {
      return (await this.#groups.get(threadId)?.usage()) ?? NOTHING;
    } catch (error) {
      this.warn(`failed to measure a thread: ${describeFileError(error)}`);
      return NOTHING;
    }
  }

  /** A control group with every process of every thread, in groups of groups; `undefined` without control groups. */
  get root(): string | undefined {
    return typeof this.#cgroups === 'string' ? undefined : this.#cgroups.paths[0];
  }

  /** Forgets a thread that is removed. */
  forget(threadId: string): void {
    this.#ended.delete(threadId);
    this.#groups.delete(threadId);
  }

  /** Which means hold each limit, in sentences. */
  describe(countsProcesses: ProcessCounting): readonly string[] {
    const { memoryBytes, processes, openFiles } = this.limits;
    const problem = typeof this.#cgroups === 'string' ? this.#cgroups : undefined;
    const has = (controller: 'memory' | 'pids'): boolean =>
      typeof this.#cgroups !== 'string' && this.#cgroups.has(controller);
    return describeKernelLimits(
      { memoryBytes, processes, openFiles },
      { memory: has('memory'), pids: has('pids'), prlimit: this.#prlimit !== undefined, countsProcesses, problem },
    );
  }

  /** Removes what the limits needed. Call it after the last process has ended. */
  close(): void {
    try {
      if (typeof this.#cgroups !== 'string') this.#cgroups.close();
    } catch (error) {
      this.warn(`failed to remove the control groups: ${describeFileError(error)}`);
    }
  }
}

/** Counts what one process uses with everything that it starts, as far as its thread's group does not. */
class ProcessMeter {
  #pid: number | undefined;
  #readOutputBytes = (): number => 0;
  #cpuMs = 0;

  /** @param marker `NAME=value`, in the environment of its processes; `undefined` to leave their processor time to the group */
  constructor(
    private readonly marker: string | undefined,
    private readonly warn: (text: string) => void,
  ) {}

  /** The process that everything else was started by; `undefined` before it runs. */
  get pid(): number | undefined {
    return this.#pid;
  }

  begin(pid: number, readOutputBytes: () => number): void {
    this.#pid = pid;
    this.#readOutputBytes = readOutputBytes;
  }

  async usage(measureCpu: boolean): Promise<ThreadUsage> {
    const outputBytes = this.#readOutputBytes();
    try {
      // A process that nobody has waited for takes its time with it.
      if (measureCpu) this.#cpuMs = Math.max(this.#cpuMs, await this.#measureTree());
    } catch (error) {
      this.warn(`failed to measure a process: ${describeFileError(error)}`);
    }
    return { outputBytes, cpuMs: this.#cpuMs, memoryKills: 0 };
  }

  /** What it used in the end. */
  end(): Promise<ThreadUsage> {
    return this.usage(false);
  }

  async #measureTree(): Promise<number> {
    if (this.#pid === undefined || this.marker === undefined) return 0;
    const tree = selectProcessTree(await listProcesses(this.marker), this.#pid);
    return tree.reduce((sum, { cpuTicks }) => sum + cpuTicks * TICK_MS, 0);
  }
}

function addUsage(one: ThreadUsage, other: ThreadUsage): ThreadUsage {
  return {
    outputBytes: one.outputBytes + other.outputBytes,
    cpuMs: one.cpuMs + other.cpuMs,
    memoryKills: one.memoryKills + other.memoryKills,
  };
}
