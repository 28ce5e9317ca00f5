import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A port that leads to others in turn: a plain load balancer, or a network that can be cut. */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #next = 0;

  private constructor(
    private readonly server: Server,
    /** The ports on this machine that it leads to. */
    public targets: readonly number[],
    readonly port: number,
  ) {
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Listens on a port of 127.0.0.1. */
  static async to(...targets: readonly number[]): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
    return new TcpProxy(server, targets, address.port);
  }

  /** Ends all connections, and lets nothing through until {@link mend}. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#isCut) socket.destroy();
    else this.#lead(socket, this.targets.length);
  }

  /** @param attempts how many targets are left to try */
  #lead(socket: Socket, attempts: number): void {
    const target = this.targets[this.#next++ % Math.max(1, this.targets.length)];
    if (attempts === 0 || target === undefined) {
      socket.destroy();
      return;
    }
    const onward = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    let isConnected = false;
    onward.once('connect', () => {
      isConnected = true;
      for (const each of [socket, onward]) {
        this.#sockets.add(each);
        each.once('close', () => this.#sockets.delete(each));
      }
      socket.once('close', () => onward.destroy());
      onward.once('close', () => socket.destroy());
      socket.pipe(onward);
      onward.pipe(socket);
    });
    onward.on('error', () => {
      onward.destroy();
      if (!isConnected) this.#lead(socket, attempts - 1);
    });
  }
}
