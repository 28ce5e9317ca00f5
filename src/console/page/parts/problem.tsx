/** What went wrong, read out by screen readers as it appears. Nothing for `undefined`. */
export function Problem({ text }: { readonly text: string | undefined }) {
  return <div role="alert">{text !== undefined && <p class="problem">{text}</p>}</div>;
}

/** The text of what was thrown. */
export function toProblem(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
