import type { SandboxProcess } from '../../../sandbox/sandbox.js';
import { JsonRpcPeer } from '../../json-rpc/json-rpc-peer.js';
import { respondToServerRequest } from './server-request.js';

/**
 * A client of `codex app-server`: JSON-RPC without the `jsonrpc` field, one message per line (Codex 0.169.0). It answers
 * requests of the server itself, so that Codex never waits for a human; only calls of the caller's tools, `item/tool/call`, are passed on.
 */
export class AppServer extends JsonRpcPeer {
  /** @param onMalformed receives the length of each line that is not a JSON object */
  constructor(process: SandboxProcess, onMalformed: (length: number) => void) {
    super(
      process,
      {
        envelope: {},
        answer: (method, params) => (method === 'item/tool/call' ? undefined : respondToServerRequest(method, params)),
      },
      onMalformed,
    );
  }
}
