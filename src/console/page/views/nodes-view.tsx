import { useEffect, useState } from 'preact/hooks';
import { toDurationText } from '../amounts.js';
import type { Api } from '../api.js';
import type { ListedNode, ListedTurns } from '../api-types.js';
import { Problem, toProblem } from '../parts/problem.js';

/** A page that nobody looks at does not ask. */
const REFRESH_MS = 5000;

interface Found {
  readonly nodes: readonly ListedNode[];
  readonly turns: ListedTurns;
}

/** The servers, and the turns that run or wait on them, for admin keys. */
export function NodesView({ api }: { readonly api: Api }) {
  const [found, setFound] = useState<Found>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isShown = true;
    const load = async (): Promise<void> => {
      try {
        const [nodes, turns] = await Promise.all([api.listNodes(), api.listUnfinishedTurns()]);
        if (!isShown) return;
        setFound({ nodes, turns });
        setProblem(undefined);
      } catch (error) {
        if (isShown) setProblem(toProblem(error));
      }
    };
    void load();
    const timer = setInterval(() => {
      if (!document.hidden) void load();
    }, REFRESH_MS);
    return () => {
      isShown = false;
      clearInterval(timer);
    };
  }, [api]);
  return (
    <>
      <h1>Servers</h1>
      <Problem text={problem} />
      {found !== undefined && (
        <>
          <NodeTable nodes={found.nodes} />
          <h2>Turns that run or wait</h2>
          <TurnTable turns={found.turns} nodes={found.nodes} />
        </>
      )}
    </>
  );
}

function NodeTable({ nodes }: { readonly nodes: readonly ListedNode[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="List of servers">
      <table>
        <thead>
          <tr>
            <th scope="col">Server</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col">Running</th>
            <th scope="col">Waiting</th>
            <th scope="col">Started</th>
            <th scope="col">Last heartbeat</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.id} title={node.id}>
              <td>{node.name}</td>
              <td>{node.role}</td>
              <td>
                <span class={`badge ${node.state}`}>{node.state}</span>
                {node.is_disk_low && ' disk almost full'}
              </td>
              <td>
                {node.running_turns} of {node.slots}
              </td>
              <td>{node.waiting_turns}</td>
              <td>
                <Time iso={node.started_at} />
              </td>
              <td>{toAgeText(node.heartbeat_age_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TurnTable({
  turns: { data, total },
  nodes,
}: {
  readonly turns: ListedTurns;
  readonly nodes: readonly ListedNode[];
}) {
  if (data.length === 0) return <p>No turns.</p>;
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  return (
    <>
      {total > data.length && (
        <p class="hint">
          The first {data.length} of {total.toLocaleString()}.
        </p>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="List of turns">
        <table>
          <thead>
            <tr>
              <th scope="col">Thread</th>
              <th scope="col">Tenant</th>
              <th scope="col">Agent</th>
              <th scope="col">State</th>
              <th scope="col">Server</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {data.map((turn) => (
              <tr key={turn.turn_id} title={turn.turn_id}>
                <td>{turn.thread_key}</td>
                <td>{turn.tenant}</td>
                <td>{turn.harness}</td>
                <td>
                  <span class={`badge ${turn.state}`}>{turn.state}</span>
                  {turn.attempt > 1 && ` attempt ${turn.attempt}`}
                </td>
                <td>{turn.node === null ? 'none' : (names.get(turn.node) ?? turn.node)}</td>
                <td>
                  <Time iso={turn.started_at ?? turn.created_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function toAgeText(ageMs: number): string {
  return ageMs < 1000 ? 'now' : `${toDurationText(ageMs)} ago`;
}

function Time({ iso }: { readonly iso: string }) {
  return <time dateTime={iso}>{new Date(iso).toLocaleString()}</time>;
}
