/** The key of the tasks that concern one thread, or one request that names none. */
export function lockKey(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}

/**
 * Lets one task per key run at a time, in the order in which they came. What is decided from the store and then written to
 * it is safe between the two; a key without tasks takes no memory.
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
