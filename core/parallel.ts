/**
 * Runs `work` on every item, at most `limit` at once, and keeps the order of the results.
 * The first failure rejects, after what is under way has settled: nothing goes on unseen.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T, index);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** What the sources yield, as it comes, from at most `limit` of them at once. The first failure ends it. */
export async function* merged<T>(
  sources: readonly AsyncIterable<T>[],
  limit: number,
): AsyncGenerator<T> {
  const waiting = [...sources];
  const running = new Map<AsyncIterator<T>, Promise<[AsyncIterator<T>, IteratorResult<T>]>>();
  const advance = (source: AsyncIterator<T>) => {
    const next = source.next().then((it): [AsyncIterator<T>, IteratorResult<T>] => [source, it]);
    next.catch(() => {}); // it is awaited below, unless another failed first
    running.set(source, next);
  };
  for (;;) {
    while (running.size < limit && waiting.length > 0) {
      advance((waiting.shift() as AsyncIterable<T>)[Symbol.asyncIterator]());
    }
    if (running.size === 0) return;
    const [source, { done, value }] = await Promise.race(running.values());
    if (done) {
      running.delete(source);
    } else {
      advance(source);
      yield value;
    }
  }
}
