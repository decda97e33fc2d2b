import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRevalidation } from '../../core/revalidation';
import { isRevalidation } from '../../local/revalidate';

/** Characters at the borders of what a tag and a url may hold. */
const character = fc.oneof(
  fc.constantFrom(
    ...' !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\n\r\t\u0000\u007f\u0080éß\u2028😀\ud800',
  ),
  fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
);
const text = fc.array(character, { maxLength: 8 }).map((characters) => characters.join(''));
const tag = fc.oneof(
  text,
  fc.stringMatching(/^[!-+.-~]{1,12}$/),
  fc.integer({ min: 254, max: 258 }).map((length) => 'x'.repeat(length)),
);
const url = fc.oneof(
  text,
  text.map((rest) => `/${rest}`),
  fc.stringMatching(/^\/[a-z?&=%*/\\#-]{0,12}$/),
  fc.constantFrom('/', '//', '/\\', '/*', '/a*', '/*a', '/a#', 'https://a/', '/a/../b'),
  fc.integer({ min: 3_997, max: 4_002 }).map((length) => '/'.padEnd(length, 'x')),
);
const junk = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(null, 0, '', {}, []));
/** Mostly what belongs there, sometimes one thing that does not. */
const list = (entry: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.array(entry, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.oneof(entry, junk), { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: junk },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 998, max: 1_002 }).map((length) => Array(length).fill('/a')),
    },
  );
const flag = fc.oneof({ weight: 8, arbitrary: fc.boolean() }, { weight: 1, arbitrary: junk });
const body = fc.oneof(
  { weight: 10, arbitrary: fc.record({ tags: list(tag), urls: list(url) }, { requiredKeys: [] }) },
  {
    weight: 4,
    arbitrary: fc.record(
      { tags: list(tag), dryRun: flag, allowCollateral: flag },
      { requiredKeys: ['tags'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { tags: list(tag), Urls: list(url), __proto__: junk, constructor: junk },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: junk },
);

describe('the schema that API Gateway validates by', () => {
  it('accepts a body if and only if the parser behind it does', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(body, (generated) => {
        const value: unknown = JSON.parse(JSON.stringify(generated)); // what can arrive
        const accepted = isAccepted(value);
        seen[accepted ? 'accepted' : 'refused'] += 1;
        expect({ value, accepted: isRevalidation(value) }).toEqual({ value, accepted });
      }),
      { numRuns: 10_000 },
    );
    // a property that only ever saw one side would prove little
    expect(seen.accepted).toBeGreaterThan(500);
    expect(seen.refused).toBeGreaterThan(500);
  });
});

function isAccepted(value: unknown): boolean {
  try {
    parseRevalidation(value);
    return true;
  } catch {
    return false;
  }
}
