import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { ListedKey, ListedTenant } from '../api-types.js';
import { toHash } from '../location.js';
import { Problem, toProblem } from '../parts/problem.js';

/** The tenants and keys of the store, for admin keys. */
export function KeysView({ api }: { readonly api: Api }) {
  const [tenants, setTenants] = useState<readonly ListedTenant[]>([]);
  const [keys, setKeys] = useState<readonly ListedKey[]>([]);
  const [made, setMade] = useState<string>();
  const [problem, setProblem] = useState<string>();
  /** Does something and shows what there is then. */
  const act = async (change: () => Promise<unknown>): Promise<void> => {
    try {
      await change();
      setTenants(await api.listTenants());
      setKeys(await api.listKeys());
      setProblem(undefined);
    } catch (error) {
      setProblem(toProblem(error));
    }
  };
  useEffect(() => void act(() => Promise.resolve()), [api]);
  return (
    <>
      <h1>Tenants and keys</h1>
      <Problem text={problem} />
      <h2>Tenants</h2>
      <ul>
        {tenants.map(({ name, threads }) => (
          <li key={name}>
            {name}: {threads} threads{' '}
            <a
              href={toHash({ name: 'policy', subject: { of: 'tenant', id: name } })}
              aria-label={`Policy of the tenant ${name}`}
            >
              Policy
            </a>
          </li>
        ))}
      </ul>
      <NameForm label="New tenant" button="Make tenant" onName={(name) => void act(() => api.createTenant(name))} />
      <h2>Keys</h2>
      {tenants.length > 0 && (
        <KeyForm tenants={tenants} onKey={(key) => void act(async () => setMade((await api.createKey(key)).key))} />
      )}
      <div role="status">
        {made !== undefined && (
          <p class="made">
            The new key, shown this once: <code>{made}</code>
          </p>
        )}
      </div>
      <KeyTable keys={keys} onRevoke={(id) => void act(() => api.revokeKey(id))} />
    </>
  );
}

function NameForm({
  label,
  button,
  onName,
}: {
  readonly label: string;
  readonly button: string;
  readonly onName: (name: string) => void;
}) {
  const [name, setName] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        onName(name);
        setName('');
      }}
    >
      <label for="tenant-name">{label}</label>
      <input id="tenant-name" required value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
      <button type="submit">{button}</button>
    </form>
  );
}

function KeyForm({
  tenants,
  onKey,
}: {
  readonly tenants: readonly ListedTenant[];
  readonly onKey: (key: { readonly tenant: string; readonly name?: string; readonly role: ListedKey['role'] }) => void;
}) {
  const [tenant, setTenant] = useState(tenants[0]?.name ?? '');
  const [name, setName] = useState('');
  const [isAdmin, setIsAdmin] = useState(false);
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        onKey({ tenant, role: isAdmin ? 'admin' : 'user', ...(name === '' ? {} : { name }) });
        setName('');
      }}
    >
      <label for="key-tenant">Tenant</label>
      <select id="key-tenant" value={tenant} onChange={({ currentTarget }) => setTenant(currentTarget.value)}>
        {tenants.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
      <label for="key-name">What it is for</label>
      <input id="key-name" value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
      <label>
        <input type="checkbox" checked={isAdmin} onChange={({ currentTarget }) => setIsAdmin(currentTarget.checked)} />{' '}
        admin
      </label>
      <button type="submit">Make key</button>
    </form>
  );
}

function KeyTable({
  keys,
  onRevoke,
}: {
  readonly keys: readonly ListedKey[];
  readonly onRevoke: (id: string) => void;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="List of keys">
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Tenant</th>
            <th scope="col">For</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col">Last use</th>
            <th scope="col">Action</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>
                <code>{key.id}</code>
              </td>
              <td>{key.tenant}</td>
              <td>{key.name ?? '–'}</td>
              <td>{key.role}</td>
              <td>{key.state}</td>
              <td>{key.last_used_at === null ? 'never' : new Date(key.last_used_at).toLocaleString()}</td>
              <td>
                {key.state === 'active' && (
                  <div class="row">
                    <a
                      href={toHash({ name: 'policy', subject: { of: 'key', id: key.id } })}
                      aria-label={`Policy of the key ${key.id}`}
                    >
                      Policy
                    </a>
                    <button
                      type="button"
                      aria-label={`Revoke ${key.id}`}
                      onClick={() => {
                        if (confirm(`Revoke ${key.id} of ${key.tenant}?`)) onRevoke(key.id);
                      }}
                    >
                      Revoke
                    </button>
                  </div>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
