// What a call of a caller's tool costs: from the agent's call to the caller, and from the caller's result to the agent's next model call.
// The reference is a call of the agent's own program to an MCP server, in the same thread.
import { performance } from 'node:perf_hooks';
import { newThread } from '../client.mjs';
import { startScriptedAgent, whyMissing } from '../scripted-agents.mjs';
import { start } from '../servers.mjs';
import { median } from '../statistics.mjs';

const TOOLS = [{ name: 'probe', description: 'A probe.', input_schema: { type: 'object' } }];
/** Milliseconds that each way may take beyond the program's own MCP call. */
const GOAL_ONE_WAY = 10;

/** The added time of a caller's tool call, both ways together, for each real agent. */
export async function measureCallerTools({ isQuick }) {
  const rows = [];
  for (const harness of ['claude-code', 'codex']) {
    const title = `a caller's tool call from ${harness}, both ways, beside its own MCP call`;
    const skipped = whyMissing(harness);
    rows.push(skipped === undefined ? await measureAgent(harness, title, isQuick ? 10 : 40) : { title, skipped });
  }
  return rows;
}

async function measureAgent(harness, title, count) {
  const { model, settings, stop } = await startScriptedAgent(harness);
  const server = await start('chiron', [], settings);
  try {
    const thread = newThread();
    const [out, back, both, own] = [[], [], [], []];
    for (let round = -2; round < count; round += 1) {
      model.tool = 'mcp';
      await ask(server, thread, `own ${round}`);
      const ownTime = model.asked - model.called;
      model.tool = 'caller';
      const called = await ask(server, thread, `lent ${round}`);
      const outTime = performance.now() - model.called;
      const results = called.content.flatMap(({ type, id }) =>
        type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: id, content: 'probed' }] : [],
      );
      if (results.length !== 1) throw new Error(`${harness} called ${results.length} tools of the caller`);
      const sent = performance.now();
      await ask(server, thread, results);
      if (round < 0) continue;
      out.push(outTime);
      back.push(model.asked - sent);
      both.push(outTime + model.asked - sent);
      own.push(ownTime);
    }
    return {
      title,
      unit: 'ms',
      goal: 2 * GOAL_ONE_WAY,
      bare: median(own),
      chiron: median(both),
      value: median(both) - median(own),
      compared: 'added',
      note: `${median(out).toFixed(1)} ms to the caller, ${median(back).toFixed(1)} ms back`,
    };
  } finally {
    await server.stop();
    stop();
  }
}

async function ask(server, thread, content) {
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': thread },
    body: JSON.stringify({
      model: 'claude-opus-5-5',
      max_tokens: 1024,
      messages: [{ role: 'user', content }],
      tools: TOOLS,
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}
