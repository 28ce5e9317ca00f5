/** A remote MCP server that a request or the deployment gives to an agent. */
export interface McpServer {
  /** Unique among the servers of a turn; letters, digits, `_` and `-`. */
  readonly name: string;
  /** An `http` or `https` URL of a streamable HTTP server. */
  readonly url: string;
  /** Headers of every request to it, such as `authorization`. They hold credentials: never log or store them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The only tools that the agent may use; `undefined` for all of them. */
  readonly allowedTools: readonly string[] | undefined;
}
