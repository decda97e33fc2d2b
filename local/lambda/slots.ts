/** So many at a time; the others wait in order. */
export interface Slots {
  /** @returns false when `limitMs` passed first: nothing was taken */
  take(limitMs?: number): Promise<boolean>;
  release(): void;
}

export function createSlots(count: number): Slots {
  const waiting: ((taken: boolean) => void)[] = [];
  let free = count;

  const wait = (limitMs?: number) =>
    new Promise<boolean>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (taken: boolean) => {
        clearTimeout(timer);
        resolve(taken);
      };
      waiting.push(end);
      if (limitMs === undefined) return;
      timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(end), 1);
        end(false);
      }, limitMs);
    });

  return {
    take: async (limitMs) => {
      if (free === 0) return wait(limitMs);
      free -= 1;
      return true;
    },
    release() {
      const next = waiting.shift();
      if (next) next(true);
      else free += 1;
    },
  };
}
