/**
 * Which copies the layers of CloudFront hold, and until when they could serve each: until its windows are over, or it is
 * purged or replaced. Whether a viewer comes meanwhile does not matter; a layer in the middle counts as an edge location
 * does, since it hands its copies down.
 * @module
 */
import type { Copy } from './cloudfront';
import type { World } from './world';

export interface Held {
  readonly copy: Copy;
  readonly layer: string;
  readonly fromMs: number;
  untilMs: number;
}

export interface HeldCopies {
  all(): readonly Held[];
  kept(copy: Copy, layer: string): void;
  purged(key: string, layer: string): void;
  forget(): void;
}

export function createHeld(world: Pick<World, 'now'>): HeldCopies {
  const held: Held[] = [];
  const last = new Map<string, Held>();

  function end(key: string, layer: string): void {
    const one = last.get(`${layer} ${key}`);
    if (one) one.untilMs = Math.min(one.untilMs, world.now());
  }

  return {
    all: () => held,
    kept(copy, layer) {
      end(copy.key, layer);
      const { freshUntilMs, staleUntilMs, errorUntilMs } = copy;
      const untilMs = Math.max(freshUntilMs, staleUntilMs, errorUntilMs);
      const one = { copy, layer, fromMs: world.now(), untilMs };
      held.push(one);
      last.set(`${layer} ${copy.key}`, one);
    },
    purged: (key, layer) => end(key, layer),
    forget() {
      held.splice(0);
      last.clear();
    },
  };
}
