import { listProcesses, selectProcessTree } from '../host/process-table.js';
import { findProgram } from '../process/find-program.js';
import { describeFileError } from '../errors.js';
import type { ThreadUsage } from '../sandbox.js';
import { CgroupTree } from './cgroup-tree.js';
import { describeKernelLimits } from './describe-limits.js';
import type { ProcessCgroup } from './process-cgroup.js';
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
    const cgroup = typeof this.#cgroups === 'string' ? undefined : this.#cgroups.group(processId, this.limits);
    const meter = new ProcessMeter(cgroup, marker, this.warn);
    return {
      commandPrefix:
        this.#prlimit === undefined ? [] : toPrlimitPrefix(this.#prlimit, { openFiles: this.limits.openFiles }),
      apply: async (pid, readOutputBytes) => {
        const running = this.#running.get(threadId) ?? new Set();
        this.#running.set(threadId, running.add(meter));
        await meter.begin(pid, readOutputBytes);
      },
      release: async () => {
        const used = await meter.end();
        this.#ended.set(threadId, addUsage(this.#ended.get(threadId) ?? NOTHING, used));
        this.#running.get(threadId)?.delete(meter);
        if (this.#running.get(threadId)?.size === 0) this.#running.delete(threadId);
      },
    };
  }

  /** What the thread has used; see `Sandbox.usage`. */
  async usage(threadId: string, measureCpu: boolean): Promise<ThreadUsage> {
    const running = [...(this.#running.get(threadId) ?? [])];
    const ended = this.#ended.get(threadId) ?? NOTHING;
    return (await Promise.all(running.map((meter) => meter.usage(measureCpu)))).reduce(addUsage, ended);
  }

  /** Forgets a thread that is removed. */
  forget(threadId: string): void {
    this.#ended.delete(threadId);
  }

  /** Which means hold each limit, in sentences. */
  describe(countsProcesses: boolean): readonly string[] {
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

/** Counts what one process uses with everything that it starts. */
class ProcessMeter {
  #pid: number | undefined;
  #readOutputBytes = (): number => 0;
  #cpuMs = 0;

  constructor(
    private readonly cgroup: ProcessCgroup | undefined,
    private readonly marker: string,
    private readonly warn: (text: string) => void,
  ) {}

  async begin(pid: number, readOutputBytes: () => number): Promise<void> {
    this.#pid = pid;
    this.#readOutputBytes = readOutputBytes;
    await this.cgroup?.enter(pid);
  }

  async usage(measureCpu: boolean): Promise<ThreadUsage> {
    const outputBytes = this.#readOutputBytes();
    try {
      const counted = await this.cgroup?.usage();
      const cpuMs = counted?.cpuMs ?? (measureCpu ? await this.#measureTree() : 0);
      // A process that nobody has waited for takes its time with it.
      this.#cpuMs = Math.max(this.#cpuMs, cpuMs);
      return { outputBytes, cpuMs: this.#cpuMs, memoryKills: counted?.memoryKills ?? 0 };
    } catch (error) {
      this.warn(`failed to measure a process: ${describeFileError(error)}`);
      return { outputBytes, cpuMs: this.#cpuMs, memoryKills: 0 };
    }
  }

  /** What it used in the end; its group is removed in the background, as soon as the system lets it. */
  async end(): Promise<ThreadUsage> {
    const used = await this.usage(false);
    void this.cgroup?.remove();
    return used;
  }

  async #measureTree(): Promise<number> {
    if (this.#pid === undefined) return 0;
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
