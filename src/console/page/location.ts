/** What the address asks for, by its part after `#`. */
export type View =
  | { readonly name: 'threads' }
  | { readonly name: 'thread'; readonly key: string }
  | { readonly name: 'usage' }
  | { readonly name: 'nodes' }
  | { readonly name: 'keys' };

/** Reads a view from the part of the address after `#`; the list of threads for anything else. */
export function parseView(hash: string): View {
  const [, name, key] = /^#\/(\w+)(?:\/(.*))?$/.exec(hash) ?? [];
  if (name === 'keys' || name === 'usage' || name === 'nodes') return { name };
  if (name === 'thread' && key !== undefined && key !== '') {
    try {
      return { name, key: decodeURIComponent(key) };
    } catch {
      return { name: 'threads' };
    }
  }
  return { name: 'threads' };
}

/** The link to a view. */
export function toHash(view: View): string {
  return view.name === 'thread' ? `#/thread/${encodeURIComponent(view.key)}` : `#/${view.name}`;
}
