/** Makes the lock key of one thread, or of one request without a thread. */
export function toLockKey(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}

/**
 * Runs one task per key at a time, in arrival order, so that a task can read the store, decide and write without races. A key without
 * tasks takes no memory.
 */
export class KeyLock {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the task once every earlier one of the same key has settled. Settles as the task does. */
  async run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const mine = before === undefined ? task() : before.then(task, task);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
