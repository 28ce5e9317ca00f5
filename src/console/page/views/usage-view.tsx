import { useEffect, useState } from 'preact/hooks';
import { toDollars } from '../amounts.js';
import type { Api } from '../api.js';
import type { UsageDay } from '../api-types.js';
import { Problem, toProblem } from '../parts/problem.js';
import { type DayBar, listDays, toDayBars } from '../usage-days.js';

const SHOWN_DAYS = 30;

/** The chart's own units; it is as wide as the page. */
const BAR_WIDTH = 10;
const CHART_HEIGHT = 100;

/** Tokens and cost of the last days: of the key's tenant, and for admin keys of all. */
export function UsageView({ api, isAdmin }: { readonly api: Api; readonly isAdmin: boolean }) {
  const [days, setDays] = useState<readonly UsageDay[]>();
  const [problem, setProblem] = useState<string>();
  const today = new Date().toISOString().slice(0, 10);
  useEffect(() => {
    const [from = today] = listDays(today, SHOWN_DAYS);
    api.readUsage(from).then(setDays, (error: unknown) => setProblem(toProblem(error)));
  }, [api]);
  const bars = toDayBars(days ?? [], today, SHOWN_DAYS);
  const cost = bars.reduce((sum, bar) => sum + (bar.cost ?? 0), 0);
  const tokens = bars.reduce((sum, bar) => sum + bar.tokens, 0);
  return (
    <>
      <h1>Usage</h1>
      <p class="meta">
        The last {SHOWN_DAYS} days (UTC) of {isAdmin ? 'all tenants' : 'your tenant'}: {tokens.toLocaleString()} tokens,{' '}
        {toDollars(cost)}
        {bars.some((bar) => bar.cost === null) && ', besides turns without a known price'}.
      </p>
      <Problem text={problem} />
      {days !== undefined && (
        <>
          <Chart bars={bars} />
          <DayTable bars={bars.filter(({ turns }) => turns > 0)} />
        </>
      )}
    </>
  );
}

/** The table below has the same numbers, so that readers of screens pass over the chart. */
function Chart({ bars }: { readonly bars: readonly DayBar[] }) {
  return (
    <figure>
      <svg
        class="chart"
        viewBox={`0 0 ${bars.length * BAR_WIDTH} ${CHART_HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {bars.map(({ day, share, tokens }, index) => (
          <rect
            key={day}
            x={index * BAR_WIDTH + 1}
            y={CHART_HEIGHT * (1 - share)}
            width={BAR_WIDTH - 2}
            height={CHART_HEIGHT * share}
          >
            <title>{`${day}: ${tokens.toLocaleString()} tokens`}</title>
          </rect>
        ))}
      </svg>
      <figcaption class="hint">
        Tokens by day, {bars[0]?.day} to {bars.at(-1)?.day}
      </figcaption>
    </figure>
  );
}

function DayTable({ bars }: { readonly bars: readonly DayBar[] }) {
  if (bars.length === 0) return <p role="status">No turns.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Usage by day">
      <table>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Turns</th>
            <th scope="col">Tokens</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {bars.toReversed().map(({ day, turns, tokens, cost }) => (
            <tr key={day}>
              <td>{day}</td>
              <td>{turns.toLocaleString()}</td>
              <td>{tokens.toLocaleString()}</td>
              <td>{cost === null ? 'unknown' : toDollars(cost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
