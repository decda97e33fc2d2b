import { describe, expect, it } from 'vitest';
import { type Copy, cacheTagsIn, createStore } from '../../../local/cloudfront/store';

function copyOf(url: string, tags: readonly string[], { bytes = 10, variant = '' } = {}): Copy {
  return {
    key: `${url} ${variant}`,
    url,
    status: 200,
    lines: [],
    head: [],
    body: Buffer.alloc(bytes),
    tags,
    note: {},
    etag: undefined,
    lastModified: undefined,
    isConfirmable: false,
    answeredAtMs: 0,
    freshUntilMs: 0,
    staleUntilMs: 0,
    errorUntilMs: 0,
    retryAtMs: 0,
  };
}

describe('the store', () => {
  it('counts what an invalidation dropped, and drops it once', () => {
    const store = createStore({ maxBytes: 1_000_000 });
    store.put(copyOf('/a', ['t'], { variant: 'br' }));
    store.put(copyOf('/a', ['t'], { variant: 'gzip' }));
    store.put(copyOf('/b', ['t']));
    expect(store.invalidate('/a')).toBe(2);
    expect(store.invalidate('#t')).toBe(1);
    expect(['/a', '/*', '#t'].map(store.invalidate)).toEqual([0, 0, 0]);
  });

  it('is empty after an invalidation of everything, and fills again', () => {
    const store = createStore({ maxBytes: 1_000_000 });
    for (const url of ['/', '/a', '/b?c=1']) store.put(copyOf(url, ['t']));
    expect(['/*', '/*', '#t', '/a'].map(store.invalidate)).toEqual([3, 0, 0, 0]);
    store.put(copyOf('/a', ['t']));
    expect(store.invalidate('#t')).toBe(1);
  });

  it('indexes a replacement once, under its own tags', () => {
    const store = createStore({ maxBytes: 1_000_000 });
    store.put(copyOf('/a', ['old']));
    store.put(copyOf('/a', ['new']));
    expect(store.invalidate('#old')).toBe(0);
    expect(store.invalidate('/a')).toBe(1);
  });

  it('keeps no trace of a copy that is larger than the whole cache, nor of the one it replaces', () => {
    const store = createStore({ maxBytes: 10_000 });
    store.put(copyOf('/a', ['t']));
    store.put(copyOf('/a', ['t'], { bytes: 20_000 }));
    expect(store.get('/a ')).toBeUndefined();
    expect(['/a', '/*', '#t'].map(store.invalidate)).toEqual([0, 0, 0]);
  });
});

describe('CFDG/invalidation-by-tags: the tags in a header', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['post:42', ['post:42']],
    [' a , b,,c ', ['a', 'b', 'c']],
    ['A, a', ['a']],
    ['has space, ok', ['ok']],
    [`${'a'.repeat(257)}, ${'b'.repeat(256)}`, ['b'.repeat(256)]],
  ])('%j are %j', (value, tags) => {
    expect(cacheTagsIn(value)).toEqual(tags);
  });
});
