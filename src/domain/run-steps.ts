/** The next state, and what is sent with it. */
type Step<State, Sent> = readonly [State, readonly Sent[]];

/** Takes a step for each item, from the state that the step before has left. Returns the last state, and all that was sent, in order. */
export function runSteps<State, Item, Sent>(
  state: State,
  items: readonly Item[],
  step: (state: State, item: Item) => Step<State, Sent>,
): Step<State, Sent> {
  const all: Sent[] = [];
  let current = state;
  for (const item of items) {
    const [next, sent] = step(current, item);
    current = next;
    for (const each of sent) all.push(each);
  }
  return [current, all];
}
