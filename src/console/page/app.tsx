import { useEffect, useMemo, useState } from 'preact/hooks';
import { Api, ApiError } from './api.js';
import { parseView, toHash, type View } from './location.js';
import { KeysView } from './views/keys-view.js';
import { NodesView } from './views/nodes-view.js';
import { PolicyView } from './views/policy-view.js';
import { SignIn } from './views/sign-in.js';
import { ThreadView } from './views/thread-view.js';
import { ThreadsView } from './views/threads-view.js';
import { UsageView } from './views/usage-view.js';

/** Of the tab alone: another tab asks again, and the key is gone with the tab. */
const KEY_ITEM = 'chiron-key';

/** Who uses the page, once the server has said what the key may do. */
interface Session {
  readonly api: Api;
  readonly key: string | undefined;
  readonly isAdmin: boolean;
}

/** The whole page. */
export function App() {
  const [session, setSession] = useState<Session>();
  const [problem, setProblem] = useState<string>();
  const view = useView();
  const signIn = async (key: string | undefined): Promise<void> => {
    try {
      setSession(await openSession(key));
      setProblem(undefined);
      if (key === undefined) sessionStorage.removeItem(KEY_ITEM);
      else sessionStorage.setItem(KEY_ITEM, key);
    } catch (error) {
      setSession(undefined);
      // The first try is without a key, for servers that need none.
      setProblem(key === undefined ? undefined : describe(error));
    }
  };
  const signOut = (): void => {
    sessionStorage.removeItem(KEY_ITEM);
    setSession(undefined);
  };
  useEffect(() => void signIn(sessionStorage.getItem(KEY_ITEM) ?? undefined), []);
  if (session === undefined) return <SignIn problem={problem} onKey={(key) => void signIn(key)} />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <strong>Chiron</strong>
        <nav aria-label="Main">
          <NavLink view={{ name: 'threads' }} current={view} text="Threads" />
          <NavLink view={{ name: 'usage' }} current={view} text="Usage" />
          {session.isAdmin && (
            <>
              <NavLink view={{ name: 'nodes' }} current={view} text="Servers" />
              <NavLink view={{ name: 'keys' }} current={view} text="Tenants and keys" />
            </>
          )}
          <a href="/docs">API</a>
        </nav>
        {session.key !== undefined && (
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        <Content view={view} session={session} />
      </main>
    </>
  );
}

function Content({ view, session }: { readonly view: View; readonly session: Session }) {
  switch (view.name) {
    case 'threads':
      return <ThreadsView api={session.api} />;
    case 'thread':
      return <ThreadView key={view.key} api={session.api} threadKey={view.key} />;
    case 'usage':
      return <UsageView api={session.api} isAdmin={session.isAdmin} />;
    case 'nodes':
      return <NodesView api={session.api} />;
    case 'keys':
      return <KeysView api={session.api} />;
    case 'policy':
      return <PolicyView key={toHash(view)} api={session.api} subject={view.subject} />;
    default:
      return view satisfies never;
  }
}

function NavLink({ view, current, text }: { readonly view: View; readonly current: View; readonly text: string }) {
  return (
    <a href={toHash(view)} {...(view.name === current.name ? { 'aria-current': 'page' as const } : {})}>
      {text}
    </a>
  );
}

/** The view of the address, which follows links and the browser's own buttons. */
function useView(): View {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return useMemo(() => parseView(hash), [hash]);
}

/** Asks the server what the key may do. Rejects with `ApiError` for a wrong key. */
async function openSession(key: string | undefined): Promise<Session> {
  const api = new Api(key);
  await api.listSessions('', undefined);
  const isAdmin = await api.listTenants().then(
    () => true,
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return false;
      throw error;
    },
  );
  return { api, key, isAdmin };
}

function describe(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return 'The server does not know this key.';
  return error instanceof Error ? error.message : 'The server answered with an error.';
}
