import type { JsonObject } from '../../../domain/harness-event.js';

/**
 * Our answer to a request of the app-server, its `result` or its `error`. Whatever asks for leave gets it, as the sandbox is
 * what protects us; what only a human could answer is declined, so that the agent continues.
 * Methods and answers are those of Codex 0.169.0 (`codex app-server generate-ts --experimental`).
 */
export function respondToServerRequest(method: string, params: JsonObject, now: () => number = Date.now): JsonObject {
  switch (method) {
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
      return { result: { decision: 'accept' } };
    case 'execCommandApproval':
    case 'applyPatchApproval':
      return { result: { decision: 'approved' } };
    case 'item/permissions/requestApproval':
      return { result: { permissions: params['permissions'] ?? {}, scope: 'turn' } };
    case 'item/tool/requestUserInput':
      return { result: { answers: {} } };
    case 'mcpServer/elicitation/request':
      return { result: { action: 'decline', content: null, _meta: null } };
    case 'currentTime/read':
      return { result: { currentTimeAt: Math.floor(now() / 1000) } };
    default:
      return { error: { code: -32601, message: 'Not supported by this client.' } };
  }
}
