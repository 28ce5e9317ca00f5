import { ExpressAdapter } from '@nestjs/platform-express';
import type { Server } from 'node:http';

/** Closes all connections with the server. Nest's own `forceCloseConnections` holds 300 bytes for each of them, and Node knows them anyway. */
export class ClosingAdapter extends ExpressAdapter {
  override close(): Promise<unknown> | undefined {
    const server: Server = this.getHttpServer();
    server.closeAllConnections();
    return super.close();
  }
}
