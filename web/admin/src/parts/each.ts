/** The same for many things, a few at a time; what failed is said and does not stop the rest. */
const AT_ONCE = 4;

export interface Problem<T> { of: T; message: string }

export async function each<T>(things: readonly T[], act: (thing: T) => Promise<unknown>, onStep: (done: number) => void): Promise<Problem<T>[]> {
  const problems: Problem<T>[] = [];
  const rest = [...things];
  let done = 0;
  const work = async () => {
    for (let thing = rest.shift(); thing !== undefined; thing = rest.shift()) {
      const of = thing;
      await act(of).catch((error: Error) => problems.push({ of, message: error.message }));
      onStep(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return problems;
}
