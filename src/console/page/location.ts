/** Whom a policy binds. */
export interface PolicyTarget {
  readonly of: 'tenant' | 'key';
  /** The name of the tenant, or the id of the key. */
  readonly id: string;
}

/** What the address asks for, by its part after `#`. */
export type View =
  | { readonly name: 'threads' }
  | { readonly name: 'thread'; readonly key: string }
  | { readonly name: 'usage' }
  | { readonly name: 'nodes' }
  | { readonly name: 'keys' }
  | { readonly name: 'policy'; readonly subject: PolicyTarget };

/** Reads a view from the part of the address after `#`; the list of threads for anything else. */
export function parseView(hash: string): View {
  const [, name, rest = ''] = /^#\/(\w+)(?:\/(.*))?$/.exec(hash) ?? [];
  return findView(name, rest) ?? { name: 'threads' };
}

function findView(name: string | undefined, rest: string): View | undefined {
  switch (name) {
    case 'keys':
    case 'usage':
    case 'nodes':
      return { name };
    case 'thread': {
      const key = decode(rest);
      return key === undefined ? undefined : { name, key };
    }
    case 'policy': {
      const [of, encoded = ''] = rest.split('/');
      const id = decode(encoded);
      return id === undefined || (of !== 'tenant' && of !== 'key') ? undefined : { name, subject: { of, id } };
    }
    default:
      return undefined;
  }
}

/** `undefined` for an empty text, and for one that was cut off. */
function decode(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The link to a view. */
export function toHash(view: View): string {
  switch (view.name) {
    case 'thread':
      return `#/thread/${encodeURIComponent(view.key)}`;
    case 'policy':
      return `#/policy/${view.subject.of}/${encodeURIComponent(view.subject.id)}`;
    case 'threads':
    case 'usage':
    case 'nodes':
    case 'keys':
      return `#/${view.name}`;
    default:
      return view satisfies never;
  }
}
