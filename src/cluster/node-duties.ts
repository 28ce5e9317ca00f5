import type { NodeLoad, NodeRole } from '../storage/stores/node.store.js';

/** What the others and the rest of the server have to do with this node. */
export interface NodeDuties {
  readLoad(): NodeLoad;
  isDraining(): boolean;
  /** Ends everything that runs here, at once: the others may start it. Resolves when it has ended. */
  stopEverything(): Promise<void>;
  /** Has everything that runs here ended, by something that a suspension of this process does not stop, unless it is called again in time. */
  expectLife(seconds: number): void;
  /** Before it takes part, at the start and again later: others may have got its threads meanwhile. */
  settle(): Promise<void>;
  /** After each heartbeat, and after it has begun again. Must not reject. */
  recover(): Promise<void>;
}

/** Settings of a node. */
export interface NodeOptions {
  readonly name: string;
  readonly role: NodeRole;
  /** `CHIRON_NODE_TIMEOUT_SECONDS`, in milliseconds. */
  readonly timeoutMs: number;
}
